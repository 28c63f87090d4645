"""Where an accepted job goes: run here (Basic, Plus) or queued (Cluster)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from synergos.domain.job import Job


class Dispatcher(Protocol):
    """The one difference between a basic TTP and a director, as the routes see it."""

    def submit(self, jobs: Sequence[Job], *, wait: bool = True) -> list[Job]:
        """Accept jobs that are already in the record store.

        Args:
            wait: whether the request is to be answered when they have ended, where the grid runs them itself.

        Returns:
            The same jobs as they stand when the request may be answered: finished where the grid runs them itself,
            merely queued where a queue takes them or nobody waits.
        """

    def line(self) -> Sequence[str]:
        """The ids of the jobs that run one after the other and have not ended, in their order; the first one runs."""

    def cancel(self, job_id: str) -> Job:
        """Ask one job to stop; the job as it stands then.

        Raises:
            RecordNotFound: there is no such job.
            Conflict: it has ended already.
        """
