"""Who has shown a worker who it is: its channels, whether its owner approves of it, and what ends when it does not any more."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import ClassVar, Protocol

import structlog

from synergos.errors import Conflict, InvalidRequest, RecordNotFound, SynergosError, WireFormatError
from synergos.identity.channel import Channel, Expected
from synergos.identity.decisions import Standing
from synergos.identity.handshake import Asked, Challenges, Greeting
from synergos.identity.identity import Renewable
from synergos.identity.peers import Peers
from synergos.identity.statements import Endorsement, Over, Succession, successions

log = structlog.get_logger(__name__)

MOST_CHANNELS, MOST_OF_ONE = 1024, 64
"""Channels of all visitors, and of one of them; of more, the one that was not used for longest ends."""
LOOK = 0.5
"""Seconds between two looks whether the owner has decided something."""

RENEWAL = timedelta(days=1)
"""For so long before an endorsement is over, who shows it is to agree on another channel, and so to show the next one."""

_LONGEST_REASON = 200


class NotLetIn(SynergosError):
    """Somebody is not let in.

    Args:
        who: the fingerprint of who has proved to be there; None where nobody has.

    Attributes:
        refusal: that, signed, for who is there; None where nobody has proved that.
    """

    standing: ClassVar[Standing] = Standing.WAITING

    def __init__(self, message: str, who: str | None = None) -> None:
        super().__init__(message)
        self.who = who
        self.refusal: Mapping[str, object] | None = None


class NotApproved(NotLetIn):
    """The owner has not approved of who asks, yet; the message says who that is and how it is approved."""


class Revoked(NotLetIn):
    """The owner has revoked its approval of who asks."""

    standing = Standing.REVOKED


class Sessions(Protocol):
    """The worker's open sessions, as far as it matters here whose they are."""

    def peers(self) -> Collection[str]:
        """Whose they are."""
        ...

    def end_those_of(self, peers: Collection[str]) -> None:
        """End those of some identities."""
        ...


@dataclass(frozen=True)
class Membership:
    """Whom an identity has shown that it belongs to.

    Attributes:
        director: empty where it does not say.
        until: when that is over; None where it does not say.
        again: when it is to be shown again.
    """

    director: str = ""
    until: datetime | None = None
    again: datetime | None = None


@dataclass(frozen=True, eq=False)
class Visitor:
    """An orchestrator by one channel.

    Attributes:
        fingerprint: who it is.
        membership: whom it belongs to.
        expected: which messages are to come.
    """

    channel: Channel
    membership: Membership = Membership()
    expected: Expected = field(default_factory=Expected)

    @property
    def fingerprint(self) -> str:
        """Who it is."""
        return self.channel.peer


class Visitors:
    """All of them; any thread may ask.

    Args:
        keys: the worker's own.
        peers: whom its owner approves of.
        sessions: which end when that is over.
        clock: monotonic seconds.
        note_gone: is told whom the owner approves of no more.
    """

    def __init__(
        self,
        keys: Renewable,
        peers: Peers,
        sessions: Sessions,
        clock: Callable[[], float],
        note_gone: Callable[[Collection[str]], None] = lambda _: None,
    ) -> None:
        self._note_gone = note_gone
        self.keys = keys
        self.peers = peers
        self.challenges = Challenges(clock)
        self._sessions = sessions
        # In the order in which they were used.
        self._channels = OrderedDict[str, Visitor]()
        # What each has shown last, of those who have a channel or a session.
        self._memberships = dict[str, Membership]()
        # Whose sessions are to end, also one that was being asked for when its approval was revoked.
        self._revoked = set[str]()
        self._lock = threading.Lock()

    def greet(self, asked: Asked, address: str) -> dict[str, object]:
        """Agree on a channel with somebody; what is to be answered.

        Raises:
            WireFormatError: the handshake is none, or was made for somebody or something else.
            NotApproved: its owner has to approve of it first; it is on the list of those who wait.
            Revoked: the owner has revoked that, or it was renewed and the next one is known alone.
        """
        greeting = Greeting(self.keys.now, asked, self.challenges)
        who = greeting.peer.fingerprint
        untaken: list[str] = []
        try:
            membership = self._membership(asked, who, untaken)
            self._remember_successor(asked.succession, who, untaken)
            self._refuse_strangers(who, greeting.name, address, membership, untaken)
        except NotLetIn as error:
            error.refusal = greeting.refusal(error.standing.value)
            raise
        if untaken:
            log.warning("not all that an orchestrator has shown was taken", fingerprint=who, reasons=untaken)
        channel, answer = greeting.answer()
        visitor = Visitor(channel, membership)
        with self._lock:
            self._channels[channel.id] = visitor
            self._memberships[who] = membership
            self._revoked.discard(who)
            of_one = [each for each, known in self._channels.items() if known.fingerprint == who]
            for too_many in of_one[:-MOST_OF_ONE]:
                del self._channels[too_many]
            while len(self._channels) > MOST_CHANNELS:
                self._channels.popitem(last=False)
        log.info("channel agreed on", fingerprint=who, name=greeting.name, address=address)
        return answer

    def of(self, channel_id: str) -> Visitor:
        """Who uses a channel.

        Raises:
            RecordNotFound: there is no such channel (any more).
        """
        with self._lock:
            found = self._channels.get(channel_id)
            if found is None:
                raise RecordNotFound("there is no such channel, or it has ended")
            self._channels.move_to_end(channel_id)
            return found

    def director_of(self, who: str) -> str:
        """Whom an identity that has a channel or a session has shown that it belongs to; empty where it has not."""
        return self._memberships.get(who, Membership()).director

    def look(self) -> float:
        """Take up what the owner has decided; what is open of who was revoked ends. Seconds until the next look."""
        try:
            self.peers.refresh()
        except (Conflict, InvalidRequest) as error:
            log.error("nothing was taken up of what was decided", reason=str(error))
        self.peers.contacts.save()
        now, with_sessions = self.peers.today(), self._sessions.peers()
        with self._lock:
            present = {visitor.fingerprint for visitor in self._channels.values()}.union(with_sessions)
            # A session is still there when its channel is not, as others have taken its place.
            self._memberships = {who: known for who, known in self._memberships.items() if who in present}
            noted = set(self._revoked)
            gone = {who for who in present if self._standing(who) is not Standing.APPROVED}
            over = [each for each, known in self._channels.items() if known.fingerprint in gone or _is_over(known, now)]
            for channel_id in over:
                del self._channels[channel_id]
            self._revoked |= gone
            ending = set(self._revoked)
        if new := gone - noted:
            self._note_gone(new)
        if gone:
            log.warning("no longer approved of: its sessions end", fingerprints=sorted(gone))
        if ending:
            self._sessions.end_those_of(ending)
        return LOOK

    def _standing(self, who: str) -> Standing:
        return self._of(who, self._memberships.get(who, Membership()))

    def _of(self, who: str, membership: Membership) -> Standing:
        is_over = membership.until is not None and membership.until < self.peers.today()
        return self.peers.standing(who, "" if is_over else membership.director)

    def _refuse_strangers(
        self, who: str, name: str, address: str, membership: Membership, untaken: Sequence[str]
    ) -> None:
        # One approval is for all of a cluster: the director's.
        whom = membership.director or who
        match self._of(who, membership):
            case Standing.APPROVED:
                self.peers.contacts.forget(whom)
                return
            case Standing.REVOKED:
                raise Revoked(f"the owner of this worker has revoked its approval of {who}", who)
            case Standing.SUPERSEDED:
                raise Revoked(
                    f"{whom} was renewed, and the time in which it is known besides is over: who came after it is known alone",
                    who,
                )
        command = f"synergos peer approve {whom}"
        others = self.peers.contacts.note(whom, name, address)
        if others is not None:
            log.warning(
                "an orchestrator waits for the owner of this worker to approve of it",
                fingerprint=whom, name=name, address=address, command=command,
                **({"more": others} if others else {}), **({"not_taken": untaken} if untaken else {}),
            )  # fmt: skip
        raise NotApproved(f"{whom} waits for the approval of this worker's owner, who gives it with: {command}", who)

    def _membership(self, asked: Asked, who: str, untaken: list[str]) -> Membership:
        """Whom somebody belongs to, as far as that is proved; an endorsement that is over proves nothing.

        Args:
            untaken: is told why something that is shown is not taken.

        Raises:
            WireFormatError: it shows an endorsement of somebody else, or none.
            Revoked: it belongs to who came after somebody whom the owner has revoked.
        """
        if asked.endorsement is None:
            return Membership()
        now = self.peers.today()
        try:
            said = Endorsement.read(asked.endorsement, now)
        except Over as error:
            # It may be approved of in its own right.
            _note(untaken, str(error))
            return Membership()
        if said.subject != who or said.until is None:
            raise WireFormatError("an endorsement is of somebody else")
        self._remember_successor(asked.endorsement.get("before"), said.issuer, untaken)
        again = said.until - RENEWAL
        return Membership(said.issuer, said.until, again if again > now else None)

    def _remember_successor(self, shown: object, who: str, untaken: list[str]) -> None:
        """Who comes after somebody the owner has approved of, or revoked, is no stranger; otherwise ``untaken`` is told why."""
        own = self.peers.standing(who)
        # One that was approved by hand before it came is tied to the one before it as well: their projects are the same.
        is_untied = own is Standing.APPROVED and len(self.peers.line(who)) == 1
        if shown is None or not (own is Standing.WAITING or is_untied):
            return
        refused: list[str] = []
        line = successions(shown, who, self.peers.today(), refused.append)
        for number, said in enumerate(line, 1):
            match self.peers.standing(said.issuer):
                case Standing.REVOKED if not is_untied:
                    raise Revoked(
                        f"the owner of this worker has revoked its approval of {said.issuer}, which became {who}", who
                    )
                case Standing.APPROVED:
                    self._take_up(reversed(line[:number]), who, said.issuer)
                    return
        if is_untied:
            return
        _note(untaken, *(refused or [f"nobody of those whom {who} is shown to have come after is approved of"]))

    def _take_up(self, line: Iterable[Succession], who: str, before: str) -> None:
        try:
            self.peers.remember(line)
        except (Conflict, OSError) as error:
            # It is a stranger, which its owner can approve of.
            log.error(
                "who came after an orchestrator is not taken for it", fingerprint=who, before=before, reason=str(error)
            )
        else:
            log.info("an orchestrator has renewed its identity", fingerprint=who, before=before)


def _note(untaken: list[str], *reasons: str) -> None:
    # They may quote what somebody else has written.
    untaken += [reason[:_LONGEST_REASON] for reason in reasons]


def _is_over(visitor: Visitor, now: datetime) -> bool:
    again = visitor.membership.again
    return again is not None and again < now
