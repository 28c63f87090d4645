"""Where a TTP's jobs come from: its own line, in which collaborations take turns (:mod:`.local_dispatch`), or a cluster's leases (:mod:`.leased_jobs`)."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Protocol

from synergos.domain.job import Job
from synergos.domain.job_event import JobNews
from synergos_ttp.control import Control
from synergos_ttp.outcomes import Outcome


class JobInHand(Protocol):
    """A job that was taken up. One attempt is made at it, and all methods are called in the attempt's thread.

    ``deliver`` comes after the attempt, ``settle`` at the end; or ``let_go`` in place of what is left.
    """

    @property
    def job(self) -> Job:
        """As it was taken up; its ``attempts`` count this one."""

    @property
    def is_resumed(self) -> bool:
        """Whether somebody began with it before."""

    @property
    def control(self) -> Control:
        """By which whoever holds the job stops the attempt."""

    def report(self, progress: Mapping[str, object] | None, news: JobNews) -> None:
        """Store how far the job is, and what has happened to it; called from the thread that writes progress.

        Args:
            progress: None where that is as before.

        Raises:
            LeaseLost: it is somebody else's.
        """

    def kept(self) -> AbstractContextManager[None]:
        """Inside, nobody else takes the job up."""

    def deliver(self, outcome: Outcome) -> Outcome:
        """Hand over what came of the job, while it is still held.

        Returns:
            What the outcome is then: results that cannot be handed over are none.
        """

    def settle(self, outcome: Outcome) -> None:
        """Write down how the attempt ended, and let go of the job."""

    def let_go(self) -> None:
        """Let go of the job after something that nobody foresaw; it stays as it is for whoever takes it up next."""


class Source(Protocol):
    """Hands out jobs, one at a time."""

    def take(self) -> JobInHand | None:
        """Take a job up; waits for one a little. None when there is none for now."""
