"""How this TTP shows a worker who it is and has it show the same, and how requests then go to it: sealed. See docs/wire-formats.md, section 4."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from typing import TYPE_CHECKING, Protocol, TypeVar

import structlog

from synergos.domain.grid import Node
from synergos.errors import (
    InvalidRequest,
    WireFormatError,
    WorkerAwaitsApproval,
    WorkerForbids,
    WorkerMistaken,
    WorkerUnreachable,
)
from synergos.identity.channel import Channel, Lane, Lanes, Opening, Place, Sealing, sealed_length
from synergos.identity.decisions import Standing
from synergos.identity.handshake import SHOWN, Handshake, Shown
from synergos.identity.identity import Renewable
from synergos.identity.refusals import NO_IDENTITY, refusal
from synergos.identity.sealed_http import (
    HANDSHAKE,
    IDENTITY,
    REQUEST_HEAD,
    RequestHead,
    answer_head,
)
from synergos.identity.statements import successions
from synergos.identity.syft_keys import PublicKeys
from synergos_ttp.workers.checked import checked
from synergos_ttp.workers.response import Response

if TYPE_CHECKING:
    from synergos_ttp.workers.client import Body, Request

log = structlog.get_logger(__name__)

Read = TypeVar("Read")

Ask = Callable[[str, str, bytes | None], tuple[int, bytes]]
"""Asks a worker's command port without a channel: method, path and JSON; status and content of the answer."""


class Sealed(StrEnum):
    """Which workers are asked by a channel."""

    ON = "on"
    """All: one that shows no identity is asked nothing."""
    ANY = "any"
    """All that show an identity, or ever have."""
    OFF = "off"
    """None, and one that ever has shown an identity is asked nothing."""


class Pins(Protocol):
    """Remembers which identity each node has shown."""

    def pin(self, node: Node, fingerprint: str, /) -> None:
        """From now on a node has this identity, and no other."""


def _note_unsealed(participant: str) -> None:
    log.warning("a worker shows no identity: what is asked of it goes unsealed", participant=participant)


@dataclass(frozen=True)
class Introductions:
    """What this TTP shows of itself, and where it remembers what workers have shown.

    Attributes:
        name: what it is called, for people.
        pins: None where nothing is remembered.
        endorsement: a statement of whom it belongs to; None where it belongs to nobody.
        sealed: which workers it asks by a channel.
        unsealed: told whose worker shows no identity and is asked all the same, in the thread that asks.
    """

    keys: Renewable
    name: str = ""
    pins: Pins | None = None
    endorsement: Callable[[], Mapping[str, object] | None] = lambda: None
    sealed: Sealed = Sealed.ON
    unsealed: Callable[[str], None] = _note_unsealed

    def to(self, node: Node, ask: Ask) -> Introduction:
        """An introduction to one worker, which is made when something is to be asked of it."""
        return Introduction(self, node, ask)


class Introduction:
    """One worker, and the channel that was agreed on with it, as soon as something is asked; any thread may ask for a lane."""

    def __init__(self, own: Introductions, node: Node, ask: Ask) -> None:
        self._own = own
        self._node = node
        self._ask = ask
        self._lanes: Lanes | None = None
        self._is_plain = False
        # One handshake at a time.
        self._lock = threading.Lock()

    def lane(self) -> Lane | None:
        """A lane for a new connection; None for a worker that is asked as anybody might, see :class:`Sealed`.

        Raises:
            WorkerMistaken: it is not the worker that was there before, or may not be asked without a channel.
            WorkerAwaitsApproval: its owner has not approved of this TTP, yet.
            WorkerForbids: its owner has revoked that.
            WorkerUnreachable: it gives no answer that can be believed.
        """
        with self._lock:
            if self._lanes is None and not self._is_plain:
                self._lanes = self._introduced()
                self._is_plain = self._lanes is None
            return None if self._lanes is None else self._lanes.take()

    def agreed(self) -> Channel | None:
        """The channel, which is agreed on first if need be; raises what :meth:`lane` does. None where nothing is sealed."""
        lane = self.lane()
        return None if lane is None else lane.channel

    def forget(self, lane: Lane) -> None:
        """Agree on another channel: the worker knows this one no more."""
        with self._lock:
            if self._lanes is not None and self._lanes.channel is lane.channel:
                self._lanes = None

    def _introduced(self) -> Lanes | None:
        mode, known = self._own.sealed, self._node.fingerprint
        if mode is Sealed.OFF:
            if known is not None:
                raise WorkerMistaken(
                    f"{self._address} is known to have the identity {known}, and is asked nothing unsealed: --sealed off is for"
                    " nodes that are registered without a fingerprint",
                    self._who,
                )
            return None
        shown = self._shown()
        if shown is None:
            if known is not None:
                # Anybody on the way may say that: it is waited for, as one that is away.
                raise WorkerUnreachable(f"{self._address} shows no identity, and is known to have {known}", self._who)
            if mode is Sealed.ON:
                raise WorkerMistaken(f"{self._address} {NO_IDENTITY}", self._who)
            self._own.unsealed(self._who)
            return None
        try:
            worker = PublicKeys.read(shown.document)
            self._refuse_changed(worker.fingerprint, shown)
            own = self._own.keys.now
            endorsement = self._own.endorsement()
            handshake = Handshake(own, worker, shown.challenge, self._own.name, endorsement)
            channel = handshake.channel(self._agreed(handshake, own.fingerprint, endorsement))
        except WireFormatError as error:
            # Whoever is on the way may say anything: it is tried again, as after a connection that broke.
            raise WorkerUnreachable(f"{self._address}: {error}", self._who) from error
        if self._own.pins is not None and worker.fingerprint != self._node.fingerprint:
            self._own.pins.pin(self._node, worker.fingerprint)
        return Lanes(channel)

    def _shown(self) -> Shown | None:
        status, content = self._ask("GET", IDENTITY, None)
        if status in (HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED):
            return None
        if status != HTTPStatus.OK:
            raise WorkerUnreachable(f"{self._address} answers with status {status}", self._who)
        return checked(SHOWN, content, self._who)

    def _agreed(self, handshake: Handshake, own: str, endorsement: Mapping[str, object] | None) -> bytes:
        status, content = self._ask("POST", HANDSHAKE, json.dumps(handshake.question).encode())
        if status == HTTPStatus.OK:
            return content
        # Whoever answers may say anything here, also whom to approve of: nothing of it is repeated.
        reason = refusal(status, self._address, own, endorsement)
        if reason is None:
            raise WorkerUnreachable(f"{self._address} agrees on no channel: it answers with status {status}", self._who)
        is_waiting = status == HTTPStatus.UNAUTHORIZED
        standing = Standing.WAITING if is_waiting else Standing.REVOKED
        if self._node.fingerprint is not None and not handshake.is_refused(content, standing.value):
            raise WorkerUnreachable(
                f"{self._address} answers with status {status}, and the worker that is registered has not signed that",
                self._who,
            )
        raise WorkerAwaitsApproval(reason, self._who) if is_waiting else WorkerForbids(reason, self._who)

    def _refuse_changed(self, found: str, shown: Shown) -> None:
        known = self._node.fingerprint
        if known in (None, found):
            return
        if known in {said.issuer for said in successions(shown.succession, found)}:
            log.info("a worker has renewed its identity", participant=self._who, fingerprint=found, before=known)
            return
        raise WorkerMistaken(
            f"{self._address} has another identity than the worker that was registered: expected {known}, got {found}; if that is"
            " right, register it again with its fingerprint",
            self._who,
        )

    @property
    def _who(self) -> str:
        return self._node.participant_id

    @property
    def _address(self) -> str:
        return self._node.command_address


class ChannelLost(ConnectionError):
    """The worker does not know the channel (any more): it was started again."""


class Altered(ConnectionError):
    """What came was altered on its way, or is not what belongs here; says so."""


class SealedBody:
    """A request by a channel, as the content of the one around it; see :class:`synergos_ttp.workers.client.Body`."""

    def __init__(self, request: Request, lane: Lane, place: Place) -> None:
        self._content: Body | None = request.body
        self._sealing = Sealing(lane.channel.asking, place, lane.buffer)
        length = 0 if self._content is None else self._content.length
        head = RequestHead(
            method=request.method,
            target=request.path,
            headers=dict(request.headers),
            length=length,
            has_content=self._content is not None,
        )
        self._head = self._sealing.head(json.dumps(REQUEST_HEAD.write(head)).encode(), length)
        self.length = len(self._head) + sealed_length(length)

    def buffers(self) -> Iterator[bytes | memoryview]:
        """The bytes, once; each piece is to be sent before the next is asked for."""
        yield self._head
        pieces: Iterable[bytes | memoryview] = () if self._content is None else self._content.buffers()
        yield from self._sealing.content(pieces)


class SealedResponse:
    """The answer to a request that went by a channel; as :class:`~synergos_ttp.workers.response.Response` is of others.

    What is said of it unsealed may be anybody's: that the channel is lost has another one agreed on, and anything else is taken
    for a connection that broke.

    Raises what that does, :class:`ChannelLost` and :class:`Altered`.
    """

    def __init__(self, around: Response, lane: Lane, place: Place) -> None:
        self._around = around
        if around.status == HTTPStatus.GONE:
            raise ChannelLost("the worker does not know the channel")
        if around.status == HTTPStatus.BAD_REQUEST:
            raise Altered("the worker could not open what was sealed")
        if around.status != HTTPStatus.OK:
            raise Altered(f"the answer is not sealed, and has status {around.status}")
        self._opening = Opening(lane.channel.answering, place, around.read_into)
        head = self._believed(lambda opening: answer_head(opening.head()))
        self._opening.expect(head.length)
        self.status, self.length = head.status, head.length

    @property
    def is_complete(self) -> bool:
        """Whether all of it has been read."""
        return self._around.is_complete and self._opening.is_complete

    @property
    def is_last(self) -> bool:
        """Whether nothing else will come by its connection."""
        return self._around.is_last

    def read(self, size: int | None = None) -> bytes:
        """The next ``size`` bytes, fewer only at the end; all that is left without ``size``."""
        return self._believed(lambda opening: opening.read(self.length if size is None else size))

    def read_into(self, memory: memoryview) -> int:
        """Fill memory from its beginning with the next bytes; how many, none only at the end."""
        return self._believed(lambda opening: opening.read_into(memory))

    def _believed(self, read: Callable[[Opening], Read]) -> Read:
        try:
            return read(self._opening)
        except (WireFormatError, InvalidRequest) as error:
            raise Altered(str(error)) from error
