"""One session at each participant, opened together and always ended, whatever happens in between."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field, replace
from hashlib import sha256
from secrets import token_hex
from typing import Self, TypeVar

from msgspec import UNSET

from synergos.domain.asker import NOBODY, Asker
from synergos.domain.keys import RunKey
from synergos.domain.tags import Purpose
from synergos.errors import NotNeeded, SynergosError, WorkerUnreachable
from synergos.learning.families import Recipe
from synergos.learning.told_space import told
from synergos.program.log_context import ContextPool
from synergos_ttp.control import Control
from synergos_ttp.holds import JobHeld
from synergos_ttp.workers.limits import Limits
from synergos_ttp.workers.participant import JobParticipant, OpenSession, ParticipantSession
from synergos_ttp.workers.session_request import Search, SessionRequest
from synergos_ttp.workers.small_messages import Prompt, Prompting

Result = TypeVar("Result")

_BETWEEN_LOOKS = 1.0
"""Seconds between two looks whether somebody waits for an owner's decision still, when time is up."""


@dataclass(frozen=True)
class SessionContent:
    """What a session holds besides the participant's own data: the run, and all it takes to make its model.

    Attributes:
        asker: who opens it.
        search: of the study whose trial the run is; None where it is none.
        secret: tells this job's sessions from those of everybody else, also when another process takes the job up.
    """

    run: RunKey
    recipe: Recipe
    purposes: tuple[Purpose, ...]
    asker: Asker = NOBODY
    secret: str = field(default_factory=token_hex, repr=False)
    search: Search | None = None

    def request(self, member: JobParticipant, needed: int) -> SessionRequest:
        """The body that opens a session at one participant, all but the session's id.

        Args:
            needed: how many participants a round takes.
        """
        recipe = self.recipe
        if member.columns is not None:
            recipe = replace(recipe, space=told(recipe.space, member.columns))
        return SessionRequest(
            participant=member.id,
            owner=self._owner(member.id),
            action=self.recipe.space.action,
            tags={purpose: member.tags[purpose] for purpose in self.purposes if purpose in member.tags},
            missing_columns=member.missing_columns,
            digests={purpose: member.digests[purpose] for purpose in self.purposes if purpose in member.digests},
            **recipe.to_dict(),
            participants=needed if Purpose.TRAIN in self.purposes else UNSET,
            search=UNSET if self.search is None else self.search,
            purposes=tuple(purpose for purpose in self.purposes if purpose in member.tags),
        )

    def _owner(self, participant_id: str) -> str:
        """What one participant's worker knows the owner of its sessions by; no other one's tells it."""
        return sha256(f"{self.secret}\0{participant_id}".encode()).hexdigest()[:32]


class Sessions:
    """A context manager: inside it, every participant has an open session, or at least as many as are needed.

    A worker that is lost in the middle of something is given :attr:`Limits.rejoin` seconds to come back. Its session is
    then opened again and what it was doing is asked for once more.

    Args:
        needed: how many participants it takes; all of them by default.

    Raises on entry what :class:`WorkerCommands` raises; sessions already opened are ended first.
    """

    def __init__(
        self,
        members: Sequence[JobParticipant],
        content: SessionContent,
        limits: Limits,
        control: Control,
        needed: int | None = None,
    ) -> None:
        self.control = control
        self.needed = min(needed or len(members), len(members))
        self._limits = limits
        # Set when what the others are doing is of no use any more, or comes too late.
        self._given_up = threading.Event()
        self._pool = ContextPool(max_workers=len(members), thread_name_prefix="participant")
        self.all = [
            ParticipantSession(
                member,
                content.run,
                content.request(member, self.needed),
                limits,
                self._check,
                control.publish,
                content.asker,
                control.trace.at(member.id),
            )
            for member in members
        ]

    def __enter__(self) -> Self:
        try:
            seconds = self._limits.opening
            self.refuse_too_few(self.attempt(lambda session: session.id, purpose="its session", seconds=seconds))
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        try:
            wait([self._pool.submit(session.end) for session in self.all])
        finally:
            self._pool.shutdown()

    def attempt(
        self,
        work: Callable[[OpenSession], Result],
        *,
        purpose: str,
        seconds: float | None = None,
        needed: int | None = None,
        among: Collection[str] | None = None,
        meanwhile: Callable[[], None] = lambda: None,
        prompt: Prompt[OpenSession, Result] | None = None,
    ) -> dict[str, Result | SynergosError]:
        """Do ``work`` for every participant at the same time; each one's result or failure, in order of registration.

        The others are told to stop as soon as fewer than ``needed`` can still succeed.

        Args:
            purpose: what it is, for those who are told that somebody is waited for.
            among: whom to ask, when it is not everybody.
            seconds: how long it may take; who is not ready by then has failed. As long as a round unless given.
            meanwhile: called here, while the participants' threads work; when it fails, they are told to stop.
            prompt: the same work in two pieces, if both are small. Those who answer soon are then heard in this thread, one
                after the other: to hand a small message to another thread takes longer than to send it.

        Raises:
            JobStopped: the job was asked to stop.
            JobHeld: owners have something to decide first; says all of them.
        """
        needed = self.needed if needed is None else needed
        self._given_up.clear()
        asked = [session for session in self.all if among is None or session.member.id in among]
        seconds = self._limits.round if seconds is None else seconds
        deadline = time.monotonic() + seconds
        quick = Prompting[OpenSession, Result](prompt, self.control.check)
        futures: dict[Future[Result], ParticipantSession] = {}
        try:
            begun = quick.begin(asked)
            futures |= {
                self._pool.submit(session.persist, work, purpose): session for session in asked if session not in begun
            }
            meanwhile()
            answered = quick.finish(deadline, self._limits.long_poll)
        except BaseException:
            self._given_up.set()
            wait(futures)
            quick.leave()
            raise
        for session in asked:
            if session in begun and session not in answered:
                futures[self._pool.submit(session.persist, work, purpose, quick.failed.get(session))] = session
        late = self._wait(futures, seconds, deadline, needed - len(answered))
        self.control.check()
        if held := [error for future in futures if isinstance(error := future.exception(), JobHeld)]:
            raise JobHeld.together(held)
        for future, session in futures.items():
            if future in late:
                session.was_late()
            outcome = _outcome(future, session.member.id, seconds if future in late else None)
            answered[session] = outcome
        outcomes = {session.member.id: answered[session] for session in asked}
        # One that failed comes before those that were only told to stop because of it.
        return dict(sorted(outcomes.items(), key=lambda outcome: isinstance(outcome[1], NotNeeded)))

    def deadline(self, longest: float | None) -> float:
        """How long the next round may take; see :meth:`Limits.round_deadline`."""
        return self._limits.round_deadline(longest)

    def refuse_too_few(self, outcomes: Mapping[str, object], needed: int | None = None) -> None:
        """Go on, if enough participants succeeded.

        Args:
            needed: how many those are; all that a round takes by default.

        Raises:
            SynergosError: what the first of the others failed with.
        """
        failures = [outcome for outcome in outcomes.values() if isinstance(outcome, SynergosError)]
        if len(outcomes) - len(failures) < (self.needed if needed is None else needed):
            raise failures[0]

    def _wait(
        self, futures: Mapping[Future[Result], ParticipantSession], seconds: float, deadline: float, needed: int
    ) -> set[Future[Result]]:
        """Wait until all have ended, or are told to because they are too few or too late; the ones too late.

        As long as bytes pass, or a line that was cut is waited for, nobody is too late, but for what one may take at most.
        """
        pending, late = set(futures), set[Future[Result]]()
        latest = deadline - seconds + max(seconds, self._limits.round)
        while pending:
            left = None if late else max(0.0, deadline - time.monotonic())
            _, pending = wait(pending, timeout=left, return_when=FIRST_COMPLETED)
            failed = sum(_has_failed(future) for future in futures if future.done())
            if pending and left is not None and time.monotonic() >= deadline:
                excused = max(futures[each].flow.excused_until for each in pending)
                if any(futures[each].is_held for each in pending):
                    # Its owner has decided nothing yet, which may take people days; how long is its own deadline's affair.
                    deadline += _BETWEEN_LOOKS
                elif (renewed := min(latest, excused + seconds)) > deadline:
                    deadline = renewed
                else:
                    late = set(pending)
            if late or len(futures) - failed < needed:
                self._given_up.set()
        return late

    def _check(self) -> None:
        self.control.check()
        if self._given_up.is_set():
            raise NotNeeded("what was asked of this participant is not needed any more")


def _has_failed(future: Future[Result]) -> bool:
    """Whether it has, and the others need not go on for it; where an owner has to decide, who else has to is of interest."""
    error = future.exception()
    return error is not None and not isinstance(error, JobHeld)


def _outcome(future: Future[Result], participant: str, late: float | None) -> Result | SynergosError:
    error = future.exception()
    if error is None:
        return future.result()
    if isinstance(error, NotNeeded) and late is not None:
        return WorkerUnreachable(f"not ready within {late:.0f} s", participant)
    if isinstance(error, SynergosError):
        return error
    raise error
