"""Retrying requests to a worker that was lost, until its rejoin time-out."""

from __future__ import annotations

import time
from collections.abc import Callable
from http import HTTPStatus
from typing import TypeVar

import structlog

from synergos.errors import SynergosError, WorkerRefused, WorkerUnreachable
from synergos_ttp.workers.commands import WorkerCommands

log = structlog.get_logger(__name__)

Result = TypeVar("Result")

_PAUSE = 0.5
_LOSSES = 3


def is_lost(error: SynergosError) -> bool:
    """Whether a worker is away, or has been and knows nothing any more of what it is asked for."""
    if isinstance(error, WorkerRefused):
        return error.status in {HTTPStatus.NOT_FOUND, HTTPStatus.SERVICE_UNAVAILABLE}
    return isinstance(error, WorkerUnreachable)


class RejoinDeadline:
    """The deadline of a lost worker to rejoin: so many seconds from each loss, and only a few losses. Used by one thread.

    Args:
        seconds: how long from the moment it was lost.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._until: float | None = None
        self._losses = 0

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
        log.warning("waiting for a participant", reason=str(error))
        time.sleep(_PAUSE)

    def renew(self) -> None:
        """The worker is back."""
        self._until = None


def retry_while_lost(worker: WorkerCommands, work: Callable[[], Result]) -> Result:
    """Give a worker commands that are idempotent; while it is lost, wait for it and retry them.

    Raises:
        SynergosError: what the last attempt failed with, or that there is to be none.
    """
    rejoin_deadline = RejoinDeadline(worker.limits.rejoin)
    while True:
        worker.check()
        try:
            # Who is still away is known sooner by a question that takes no work.
            worker.greet()
            return work()
        except SynergosError as error:
            rejoin_deadline.wait(error)
