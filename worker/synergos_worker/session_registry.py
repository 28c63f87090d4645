"""The sessions of a worker: ended when asked by their id, replaced by their owner, or left alone for too long."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Sequence
from hmac import compare_digest

import structlog

from synergos.domain.keys import ProjectKey, RunKey
from synergos.errors import (
    Conflict,
    NotAllowed,
    RecordNotFound,
    ServiceStopping,
    SynergosError,
)
from synergos_worker.allowance import UNBOUNDED, Allowance
from synergos_worker.logged import folders
from synergos_worker.session import Session
from synergos_worker.session_opener import ENDED, SessionOpener, SessionRequest
from synergos_worker.use_ledger import UNRECORDED, Uses

log = structlog.get_logger(__name__)

_LATELY = 0.5
"""Seconds; sessions whose permission has ended do so within twice as long."""


def _is_of_owner(request: SessionRequest, other: SessionRequest | Session) -> bool:
    """Whether another session, open or being opened, is of the same run and was asked for with the same owner's secret."""
    if (other.run, other.peer) != (request.run, request.peer) or request.owner is None or other.owner is None:
        return False
    return compare_digest(other.owner, request.owner)


class Sessions:
    """The open sessions.

    Args:
        timeout: seconds without a request after which a session ends.
        clock: monotonic seconds.
        uses: takes note of them.
    """

    def __init__(
        self,
        opener: SessionOpener,
        timeout: float,
        clock: Callable[[], float] = time.monotonic,
        uses: Uses = UNRECORDED,
    ) -> None:
        self._uses = uses
        self._opener = opener
        self._timeout = timeout
        self._clock = clock
        self._open: dict[str, Session] = {}
        self._used: dict[str, float] = {}
        self._allowances: dict[str, Allowance] = {}
        self._opening: dict[str, SessionRequest] = {}
        self._unwanted: set[str] = set()
        self._stopped = False
        # Guards the dicts and sets, between request threads and the sweeper's; held for moments only.
        self._lock = threading.Condition()

    def __len__(self) -> int:
        """How many are open."""
        return len(self._open)

    def open(self, request: SessionRequest) -> tuple[Session, bool]:
        """The session of that id, and whether it had to be opened; another one of the same run and owner is ended first.

        Raises:
            Conflict: the id belongs to another run, or the session was ended while it was opening.
            NotRecorded: it cannot be written down that it is open.
        """
        identifier = request.session_id
        with self._lock:
            # Whoever asks for the same one again waits for it, and for nobody else's.
            self._lock.wait_for(lambda: identifier not in self._opening)
            self._refuse_stopped()
            known = self._open.get(identifier)
            # What its owner does not wait for any more, and what it has open.
            self._unwanted |= {other.session_id for other in self._opening.values() if _is_of_owner(request, other)}
            self._opening[identifier] = request
        try:
            if known is not None:
                return self._again(known, request), False
            self._end(self._of_owner(request), "its owner opens another one of its run")
            opened = self._opener.open(request, lambda: self._stopped or identifier in self._unwanted)
            return self._added(opened, request), True
        finally:
            with self._lock:
                self._opening.pop(identifier, None)
                self._unwanted.discard(identifier)
                self._lock.notify_all()

    def get(self, session_id: str, peer: str | None = None) -> Session:
        """An open session, which counts as talked to.

        Args:
            peer: the fingerprint of who asks; None where it did not show that.

        Raises:
            RecordNotFound: there is none of that id (any more), or it is somebody else's.
        """
        with self._lock:
            if session_id not in self._open or self._open[session_id].peer != peer:
                raise RecordNotFound("there is no such session, or it has ended")
            self._used[session_id] = self._clock()
            return self._open[session_id]

    def allowed(self, session_id: str, peer: str | None = None) -> Session:
        """An open session that is to begin something on its rows; raises what :meth:`get` does.

        Raises:
            NotAllowed: the owner does not allow it any more.
        """
        session = self.get(session_id, peer)
        with self._lock:
            allowance = self._allowances.get(session_id, UNBOUNDED)
        # Files are looked at: not under the lock, and not for every round. What is allowed no more ends its session anyway.
        allowance.refuse(_LATELY)
        return session

    def of_run(self, session_id: str, run: RunKey, peer: str | None = None) -> Session:
        """An open session, provided that it belongs to that run; raises what :meth:`allowed` does."""
        session = self.allowed(session_id, peer)
        if session.run != run:
            raise RecordNotFound("there is no such session of this run, or it has ended")
        return session

    def terminate(self, run: RunKey, session_id: str, peer: str | None = None) -> None:
        """End that session of a run, also while it is being opened; nothing happens when there is none, or it is somebody else's."""
        with self._lock:
            opening = self._opening.get(session_id)
            if opening is not None and (opening.run, opening.peer) == (run, peer):
                self._unwanted.add(session_id)
            known = self._open.get(session_id)
        self._end([known] if known is not None and (known.run, known.peer) == (run, peer) else [], "asked for")

    def peers(self) -> set[str]:
        """The identities that have sessions, those that are being opened too."""
        with self._lock:
            found = {opening.peer for opening in self._opening.values()} | {
                session.peer for session in self._open.values()
            }
        return {peer for peer in found if peer is not None}

    def end_those_of(self, peers: Collection[str]) -> None:
        """End the sessions of some identities, those that are being opened too."""
        with self._lock:
            self._unwanted |= {opening.session_id for opening in self._opening.values() if opening.peer in peers}
            found = [session for session in self._open.values() if session.peer in peers]
        self._end(found, "the owner of this worker has revoked its approval")

    def end_those_of_project(self, peer: str, project: ProjectKey) -> None:
        """End the sessions of a project that an identity has, those that are being opened too."""

        def is_meant(other: SessionRequest | Session) -> bool:
            return other.peer == peer and other.run.project == project

        with self._lock:
            self._unwanted |= {opening.session_id for opening in self._opening.values() if is_meant(opening)}
            found = [session for session in self._open.values() if is_meant(session)]
        self._end(found, "its registration was changed")

    def end_refused(self) -> None:
        """End the sessions, and those that are being opened, that their owner does not allow any more."""
        with self._lock:
            asked = {**self._allowances, **{each.session_id: each.allowance for each in self._opening.values()}}
        # Files are looked at: not under the lock.
        refused = {session_id: reason for session_id, each in asked.items() if (reason := _refusal(each)) is not None}
        with self._lock:
            self._unwanted |= self._opening.keys() & refused.keys()
            found = [self._open[session_id] for session_id in refused if session_id in self._open]
        for session in found:
            log.warning("no longer allowed: the session ends", reason=refused[session.id], **session.about)
            self._end([session], "the owner of the data does not allow it any more")

    def live_runs(self, collab_id: str, project_id: str, peer: str | None = None) -> list[tuple[str, str]]:
        """Experiment and run of each open session of a project.

        Args:
            peer: the fingerprint of whose sessions count; None for everybody's.
        """
        with self._lock:
            runs = [session.run for session in self._open.values() if peer in (None, session.peer)]
        return [(run.expt_id, run.run_id) for run in runs if (run.collab_id, run.project_id) == (collab_id, project_id)]

    def sweep(self) -> None:
        """End the sessions that nobody has talked to for too long; of the others it is noted what has left until now."""
        with self._lock:
            there = list(self._open.values())
            oldest = self._clock() - self._timeout
            idle = [
                session
                for session in self._open.values()
                if self._used[session.id] < oldest and not session.is_being_read
            ]
        for session in there:
            self._uses.so_far(session.id, session.left)
        self._end(idle, f"nobody talked to it for {self._timeout:g} s")

    def stop(self) -> None:
        """End all sessions; none is opened any more."""
        with self._lock:
            self._stopped = True
            found = list(self._open.values())
        self._end(found, "this worker is about to end")

    def _of_owner(self, request: SessionRequest) -> list[Session]:
        """The sessions of the same run that were opened with the same owner's secret."""
        with self._lock:
            return [session for session in self._open.values() if _is_of_owner(request, session)]

    def _again(self, known: Session, request: SessionRequest) -> Session:
        if (known.run, known.peer) != (request.run, request.peer):
            raise Conflict("this session belongs to another run")
        return self.get(known.id, request.peer)

    def _added(self, session: Session, request: SessionRequest) -> Session:
        try:
            # Outside the lock: it waits for the disk.
            self._uses.opening(request, session.counts)
            with self._lock:
                self._refuse_stopped()
                if session.id in self._unwanted:
                    raise Conflict(ENDED)
                self._open[session.id] = session
                self._used[session.id] = self._clock()
                self._allowances[session.id] = request.allowance
        except SynergosError as error:
            self._end([session], str(error))
            raise
        wanted = {purpose: tags for purpose, tags in request.tags.items() if purpose in request.purposes}
        log.info("session opened", tags=folders(wanted), rows=session.counts, **session.about)
        return session

    def _refuse_stopped(self) -> None:
        if self._stopped:
            raise ServiceStopping("this worker is about to end")

    def _end(self, sessions: Sequence[Session], why: str) -> None:
        with self._lock:
            for session in sessions:
                self._open.pop(session.id, None)
                self._used.pop(session.id, None)
                self._allowances.pop(session.id, None)
        for session in sessions:
            session.end(why)
            self._uses.ended(session.id, why, session.left)


def _refusal(allowance: Allowance) -> str | None:
    """Why something is not allowed any more; None where it is."""
    try:
        allowance.refuse()
    except NotAllowed as error:
        return str(error)
    return None
