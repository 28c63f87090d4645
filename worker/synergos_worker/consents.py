"""What this worker has signed: that it takes part, for one participant, in a project of an orchestrator, as it is registered there."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import NotRequired, Protocol, TypedDict

import structlog

from synergos.domain.asker import NOBODY, Asker
from synergos.domain.keys import ProjectKey
from synergos.errors import Conflict, NotAllowed
from synergos.identity.identity import Renewable
from synergos.identity.projects_taken_part import CONSENTS, RELEASED, is_over
from synergos.identity.small_file import now, stored_in, write
from synergos.identity.statements import Consent

log = structlog.get_logger(__name__)

MOST_PROJECTS = 1000
"""Of one orchestrator."""
LARGEST_FILE = 2**20
"""Bytes; a worker that starts reads no larger one."""
_DIGEST = 16
_REPLACED = 16
"""Registrations before the newest that are remembered, so that nobody goes on with one of them."""


@dataclass(frozen=True)
class Asked:
    """What an orchestrator asks a worker to sign.

    Attributes:
        peer: its fingerprint.
        participant: whose node it has registered the worker as.
        nonce: of the registration; another one when that changes.
        director: the fingerprint of whom the orchestrator has proved to belong to; empty where it has not.
        asker: what it says of itself besides.
    """

    peer: str
    project: ProjectKey
    participant: str
    nonce: str
    director: str = ""
    asker: Asker = NOBODY

    @property
    def key(self) -> str:
        """Of the project, as the file has it; no id has a line break."""
        return "\n".join((self.peer, *self.project.ids))


class Given(TypedDict):
    """What the file has of a project.

    Attributes:
        nonce: of the registration as it was consented to last.
        at: when; a time as such files have it.
        replaced: digests of the nonces of registrations before, see :func:`_short`.
        director: see :class:`Asked`; files of before directors were told apart have none.
    """

    nonce: str
    at: str
    replaced: list[str]
    director: NotRequired[str]


def _itself(fingerprint: str) -> Collection[str]:
    return (fingerprint,)


def _never(_other: str, _director: str) -> bool:
    return False


class Noting(Protocol):
    """Takes note of what is about to be given; whatever it raises keeps it from being."""

    def __call__(self, asked: Asked, /, *, is_other: bool) -> None:
        """Take note."""


def _unnoted(_asked: Asked, /, *, is_other: bool) -> None:
    pass


class Consents:
    """All that were given; any thread may ask.

    Args:
        folder: of the file.
        keys: what they are signed with.
        name: the one participant that this worker is of.
        line: an identity with all that it came after, and that came after it: they are one, and so are the TTPs of one director.
        may_rival: whether somebody else, with its director, is approved as well. Of two who are only the first takes part in a
            project: both would have the same folder.
        noting: is told of each before it is given, and not again as long as it stays the same.
    """

    def __init__(
        self,
        folder: Path,
        keys: Renewable,
        name: str,
        line: Callable[[str], Collection[str]] = _itself,
        may_rival: Callable[[str, str], bool] = _never,
        noting: Noting = _unnoted,
    ) -> None:
        self._noting = noting
        self._line = line
        self._may_rival = may_rival
        self._path = folder / CONSENTS
        self._keys = keys
        self._name = name
        self._released = folder / RELEASED
        # Guards what is given and its file.
        self._lock = threading.Lock()
        self._given: dict[str, Given] = stored_in(self._path)
        self._stamp: object = None
        # Whether the file still has what is over: it could not be written.
        self._behind = False
        self.look()

    def give(self, asked: Asked) -> tuple[Mapping[str, object], bool]:
        """Sign; the statement, and whether the project was registered otherwise before.

        Raises:
            NotAllowed: it is another participant's registration, or one that was replaced, or another orchestrator has a project
                with these ids here.
        """
        self.refuse_others(asked.participant)
        with self._lock:
            self._refuse_rival(asked)
            known = self._given.get(asked.key)
            if known is not None and _short(asked.nonce) in known["replaced"]:
                raise NotAllowed(
                    "this registration was replaced by another, which this worker has consented to", "nonce"
                )
            is_other = known is not None and known["nonce"] != asked.nonce
            if known is None or is_other:
                self._noting(asked, is_other=is_other)
                before = [] if known is None else [*known["replaced"], _short(known["nonce"])][-_REPLACED:]
                self._write(
                    asked,
                    {"nonce": asked.nonce, "at": now("microseconds"), "replaced": before, "director": asked.director},
                )
                log.info("consent given", fingerprint=asked.peer, participant=asked.participant, **asked.project)
            elif known.get("director", "") != asked.director:
                self._write(asked, {**known, "director": asked.director})
        own = self._keys.now
        said = Consent(
            own.fingerprint,
            asked.peer,
            collaboration=asked.project.collab_id,
            project=asked.project.project_id,
            participant=asked.participant,
            nonce=asked.nonce,
        )
        return said.signed_by(own.keys), is_other

    def end(self, peer: str, director: str, ids: tuple[str, ...], until: str) -> None:
        """An orchestrator has deleted a project or a whole collaboration: what it was given in it until then counts no more.

        Args:
            ids: of the collaboration, and of the project if it is one.
            until: a time as such files have it; what was given since is another registration's.

        Raises:
            Conflict: it counts no more, and cannot be written down before there is room again.
        """
        us = self._us(peer, director)
        with self._lock:
            self._drop(
                lambda key, said: (
                    tuple(key[1 : 1 + len(ids)]) == ids and _is_one_of(us, key[0], said) and is_over(said, until)
                ),
                "its orchestrator has deleted it",
            )
            if self._behind:
                self._save(self._given)

    def look(self) -> list[tuple[str, ProjectKey]]:
        """Take up which projects the owner has ended since; whose they were. What cannot be written down of it is at the next look.

        Raises:
            Conflict: the file with them cannot be read; nothing of it holds until it can.
        """
        stamp = _stamp(self._released)
        if stamp == self._stamp and not self._behind:
            return []
        released = stored_in(self._released)
        with self._lock:
            was_behind = self._behind
            ended = self._drop(
                lambda key, said: is_over(said, released.get("\n".join(key[1:]))), "its owner has ended its part in it"
            )
            self._stamp = stamp
            try:
                if self._behind:
                    self._save(self._given)
            except Conflict as error:
                if not was_behind:
                    log.error("projects that were ended cannot be written down yet", reason=str(error))
        return ended

    def _drop(self, is_ended: Callable[[Sequence[str], Given], bool], why: str) -> list[tuple[str, ProjectKey]]:
        ended = [key for key, said in self._given.items() if is_ended(key.split("\n"), said)]
        if not ended:
            return []
        given = {key: said for key, said in self._given.items() if key not in ended}
        # Nobody goes on with it, whatever becomes of the file: a worker that starts anew reads who has ended it.
        self._given, self._behind = given, True
        found = [(key.split("\n")[0], ProjectKey(*key.split("\n")[1:])) for key in ended]
        for who, project in found:
            log.info("no longer takes part in a project", fingerprint=who, reason=why, **project)
        return found

    def projects_of(self, peer: str | None, director: str = "") -> list[ProjectKey]:
        """The projects that this worker has consented to take part in for an orchestrator, or for one that is one with it."""
        if peer is None:
            return []
        us = self._us(peer, director)
        # A change puts another mapping in the place of the one that is looked at.
        ours = [key.split("\n") for key, said in self._given.items() if _is_one_of(us, key.split("\n")[0], said)]
        return list(dict.fromkeys(ProjectKey(*ids) for _, *ids in ours))

    def _us(self, peer: str, director: str) -> frozenset[str]:
        """The lines of an orchestrator and of its director."""
        return frozenset(each for who in (peer, director) if who for each in self._line(who))

    def _refuse_rival(self, asked: Asked) -> None:
        us = self._us(asked.peer, asked.director)
        for key, given in self._given.items():
            other, *ids = key.split("\n")
            if tuple(ids) != asked.project.ids or _is_one_of(us, other, given):
                continue
            director = given.get("director", "")
            if self._may_rival(other, director):
                whose = f"{other}, which belongs to {director}" if director else other
                raise NotAllowed(
                    f"this worker takes part in a project with these ids already, of the orchestrator {whose}: another one needs"
                    " other ids, or the owner of this worker revokes its approval of that one",
                    "consent",
                )

    def _write(self, asked: Asked, said: Given) -> None:
        given = {**self._given, asked.key: said}
        self._refuse_too_many(asked.peer, given)
        self._save(given)
        self._given = given

    def _save(self, given: Mapping[str, Given]) -> None:
        try:
            write(self._path, given)
        except OSError as error:
            raise Conflict(f"{CONSENTS} of this worker cannot be written: {error.strerror}") from error
        self._behind = False

    def _refuse_too_many(self, peer: str, given: Mapping[str, Given]) -> None:
        if sum(key.startswith(f"{peer}\n") for key in given) > MOST_PROJECTS:
            raise NotAllowed(
                f"this worker takes part in at most {MOST_PROJECTS} projects of one orchestrator, and does of {peer}",
                "consent",
            )
        if len(json.dumps(given, indent=1)) >= LARGEST_FILE:
            raise NotAllowed(f"{CONSENTS} of this worker is full: {LARGEST_FILE} bytes", "consent")

    def refuse_others(self, participant: str) -> None:
        """Refuse to be somebody else's worker.

        Raises:
            NotAllowed: says whose it is.
        """
        if participant != self._name:
            raise NotAllowed(
                f"this worker is that of {self._name}, and takes part for nobody else; another name is told it with --participant",
                "participant",
            )

    def refuse_without(self, peer: str | None, project: ProjectKey) -> None:
        """Refuse what is asked for a project that this worker has not consented to take part in.

        Raises:
            NotAllowed: says so.
        """
        if peer is None or "\n".join((peer, *project.ids)) not in self._given:
            raise not_consented()


def not_consented() -> NotAllowed:
    """What refuses an orchestrator where this worker has not consented."""
    return NotAllowed("this worker has not consented to take part in this project", "consent")


def _is_one_of(us: frozenset[str], other: str, given: Given) -> bool:
    """Whether what was given to an orchestrator was given to one of us; whole lines are in ``us``, and never an empty name."""
    return not us.isdisjoint({other, given.get("director", "")})


def _stamp(path: Path) -> object:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino, found.st_size


def _short(nonce: str) -> str:
    """A nonce as one that was replaced is remembered."""
    return sha256(nonce.encode()).hexdigest()[:_DIGEST]
