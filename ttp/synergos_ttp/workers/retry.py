"""Retrying requests to a worker that was lost, until its rejoin time-out; whoever follows the job is told meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from math import inf
from typing import Self, TypeVar

from synergos.errors import SynergosError, WorkerAwaitsApproval, WorkerRefused, WorkerUnreachable
from synergos_ttp.events import Event, ParticipantAwaited, ParticipantNotAwaited
from synergos_ttp.holds import Ask, Hold, JobHeld
from synergos_ttp.workers.commands import WorkerCommands

Result = TypeVar("Result")

PREPARING, CONFIRMING = "its datasets", "its part in the agreement"
"""What a worker is waited for."""
_PAUSE = 0.5
_PATIENT_PAUSE = 1.0
"""Seconds between two looks whether an owner has approved."""
_LOSSES = 3
_PROGRESS = 2**16
"""Bytes of a transfer that are worth another attempt."""


def is_lost(error: SynergosError) -> bool:
    """Whether a worker is away, or has been and knows nothing any more of what it is asked for."""
    if isinstance(error, WorkerRefused):
        return error.status in {HTTPStatus.NOT_FOUND, HTTPStatus.SERVICE_UNAVAILABLE}
    return isinstance(error, WorkerUnreachable)


def is_unknown(error: SynergosError) -> bool:
    """Whether a worker is there and does not know what it was asked for."""
    return isinstance(error, WorkerRefused) and error.status == HTTPStatus.NOT_FOUND


@dataclass(frozen=True)
class Wait:
    """Whom a wait would be for, and who is told of it.

    Attributes:
        purpose: what is to be done as soon as the worker is back.
        publish: told when the wait begins and when it is over, in the thread that waits.
        ask: asks the worker once more what its owner has to decide; None where a job cannot be put back meanwhile.
    """

    participant: str
    purpose: str
    publish: Callable[[Event], None]
    ask: Ask | None = None


class RejoinDeadline:
    """The deadline of a lost worker to rejoin: so many seconds from each loss, and only a few losses. Used by one thread.

    A context manager: when it is left, nobody waits any more.

    Args:
        seconds: how long from the moment it was lost.
        approval: how long from the moment that its owner was to approve first.
        in_hand: after how many seconds of that the job is put back.
    """

    def __init__(self, seconds: float, wait: Wait, approval: float = 0.0, in_hand: float = inf) -> None:
        self._seconds = seconds
        self._approval = approval
        self._in_hand = in_hand
        self._wait = wait
        # When it was lost, or its owner was to approve; None while it is there.
        self._since: float | None = None
        self._losses = 0
        self._done = 0
        self._is_told = False
        self._is_held = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None or not issubclass(kind, JobHeld):
            # Of a job that is put back it is still so.
            self._over(is_back=kind is None)

    @property
    def is_held(self) -> bool:
        """Whether the worker's owner has something to decide first, which is waited for."""
        return self._is_held and self._is_told

    def wait(self, error: SynergosError, patience: float = 0.0) -> None:
        """Back off before the next attempt.

        Args:
            patience: seconds that it is given from when it was lost, where that is more than usual.

        Raises:
            SynergosError: the error itself, when waiting does not help or has taken too long.
            JobHeld: its owner has not decided soon.
        """
        now = time.monotonic()
        if isinstance(error, WorkerAwaitsApproval) is not self._is_held:
            # It is there and says who has to decide, which may take people days; or it is lost meanwhile.
            self.renew()
            self._is_held = not self._is_held
        if self._is_held:
            self._hold(error, now)
            return
        if self._since is None:
            self._since = now
            self._losses += 1
        seconds = max(self._seconds, patience)
        if not is_lost(error) or now >= self._since + seconds or self._losses > _LOSSES:
            raise error
        if not self._is_told:
            self._is_told = True
            self._tell(error, seconds)
        time.sleep(_PAUSE)

    def _hold(self, error: SynergosError, now: float) -> None:
        if self._since is None:
            self._since = now
        waited = now - self._since
        if waited >= self._approval:
            raise error
        wait, ask = self._wait, self._wait.ask
        if waited >= self._in_hand and ask is not None:
            since = datetime.now(UTC) - timedelta(seconds=waited)
            until = since + timedelta(seconds=self._approval)
            raise JobHeld([Hold(wait.participant, since, until, wait.purpose, str(error), ask)])
        if not self._is_told:
            self._is_told = True
            self._tell(error, self._approval)
        time.sleep(min(_PATIENT_PAUSE, self._in_hand))

    def progressed(self, done: int) -> None:
        """So many bytes of a transfer need not pass again: as long as they become more, it may be cut as often as it will."""
        if done >= self._done + _PROGRESS:
            self._done, self._losses = done, 0

    def renew(self) -> None:
        """The worker is back."""
        self._over(is_back=True)

    def _over(self, *, is_back: bool) -> None:
        self._since = None
        if self._is_told:
            self._is_told = False
            self._wait.publish(ParticipantNotAwaited(self._wait.participant, is_back))

    def _tell(self, error: SynergosError, seconds: float) -> None:
        since = datetime.now(UTC)
        until = since + timedelta(seconds=seconds)
        wait = self._wait
        wait.publish(ParticipantAwaited(wait.participant, since, until, wait.purpose, str(error), self._is_held))


def retry_while_lost(
    worker: WorkerCommands, work: Callable[[], Result], purpose: str, publish: Callable[[Event], None]
) -> Result:
    """Give a worker commands that are idempotent; while it is lost, wait for it and retry them.

    Args:
        purpose: what they are for; see :class:`Wait`.

    Raises:
        SynergosError: what the last attempt failed with, or that there is to be none.
        JobHeld: the worker's owner has something to decide first, and does not do it soon.
    """
    wait, limits = Wait(worker.node.participant_id, purpose, publish, worker.ask_again), worker.limits
    with RejoinDeadline(limits.rejoin, wait, limits.approval, limits.in_hand) as rejoin_deadline:
        while True:
            worker.check()
            try:
                # Who is still away is known sooner by a question that takes no work.
                worker.greet()
                return work()
            except SynergosError as error:
                rejoin_deadline.wait(error)
