"""Retrying requests to a worker that was lost, until its rejoin time-out; whoever follows the job is told meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Self, TypeVar

from synergos.errors import SynergosError, WorkerRefused, WorkerUnreachable
from synergos_ttp.events import Event, ParticipantAwaited, ParticipantNotAwaited
from synergos_ttp.workers.commands import WorkerCommands

Result = TypeVar("Result")

PREPARING, CONFIRMING = "its datasets", "its part in the agreement"
"""What a worker is waited for."""
_PAUSE = 0.5
_LOSSES = 3


def is_lost(error: SynergosError) -> bool:
    """Whether a worker is away, or has been and knows nothing any more of what it is asked for."""
    if isinstance(error, WorkerRefused):
        return error.status in {HTTPStatus.NOT_FOUND, HTTPStatus.SERVICE_UNAVAILABLE}
    return isinstance(error, WorkerUnreachable)


@dataclass(frozen=True)
class Wait:
    """Whom a wait would be for, and who is told of it.

    Attributes:
        purpose: what is to be done as soon as the worker is back.
        publish: told when the wait begins and when it is over, in the thread that waits.
    """

    participant: str
    purpose: str
    publish: Callable[[Event], None]


class RejoinDeadline:
    """The deadline of a lost worker to rejoin: so many seconds from each loss, and only a few losses. Used by one thread.

    A context manager: when it is left, nobody waits any more.

    Args:
        seconds: how long from the moment it was lost.
    """

    def __init__(self, seconds: float, wait: Wait) -> None:
        self._seconds = seconds
        self._wait = wait
        self._until: float | None = None
        self._losses = 0
        self._is_told = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.renew()

    def wait(self, error: SynergosError) -> None:
        """Back off before the next attempt.

        Raises:
            SynergosError: the error itself, when waiting does not help or has taken too long.
        """
        now = time.monotonic()
        if self._until is None:
            self._until = now + self._seconds
            self._losses += 1
        if not is_lost(error) or now >= self._until or self._losses > _LOSSES:
            raise error
        if not self._is_told:
            self._is_told = True
            self._tell(error)
        time.sleep(_PAUSE)

    def renew(self) -> None:
        """The worker is back."""
        self._until = None
        if self._is_told:
            self._is_told = False
            self._wait.publish(ParticipantNotAwaited(self._wait.participant))

    def _tell(self, error: SynergosError) -> None:
        since = datetime.now(UTC)
        until = since + timedelta(seconds=self._seconds)
        self._wait.publish(ParticipantAwaited(self._wait.participant, since, until, self._wait.purpose, str(error)))


def retry_while_lost(
    worker: WorkerCommands, work: Callable[[], Result], purpose: str, publish: Callable[[Event], None]
) -> Result:
    """Give a worker commands that are idempotent; while it is lost, wait for it and retry them.

    Args:
        purpose: what they are for; see :class:`Wait`.

    Raises:
        SynergosError: what the last attempt failed with, or that there is to be none.
    """
    with RejoinDeadline(worker.limits.rejoin, Wait(worker.node.participant_id, purpose, publish)) as rejoin_deadline:
        while True:
            worker.check()
            try:
                # Who is still away is known sooner by a question that takes no work.
                worker.greet()
                return work()
            except SynergosError as error:
                rejoin_deadline.wait(error)
