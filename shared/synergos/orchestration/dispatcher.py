"""Where an accepted job goes: run here (Basic, Plus) or queued (Cluster)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from synergos.domain.job import Job
from synergos.errors import NotSupported

Wait = Callable[[threading.Event], object]
"""How a request waits for something to happen: returns when it has; raises when nobody wants to know any more."""

FOREVER: Wait = threading.Event.wait


class Dispatcher(Protocol):
    """The one difference between a basic TTP and a director, as the routes see it."""

    def submit(self, jobs: Sequence[Job], *, wait: Wait | None = FOREVER) -> list[Job]:
        """Accept jobs that are already in the record store.

        Args:
            wait: how to wait for their end, where the grid runs them itself; None to be answered at once. What it raises
                reaches whoever asked, and the jobs go on.

        Returns:
            The same jobs as they stand when the request may be answered: finished where the grid runs them itself,
            merely queued where a queue takes them or nobody waits.
        """

    def waits(self) -> Mapping[str, Mapping[str, object]]:
        """What the jobs that have not started wait for, by job id.

        ``waiting_for`` is the job that must end first and ``position`` how many come before; ``reason`` says in words what
        it is where it is not another job's end.
        """

    def cancel(self, job_id: str) -> Job:
        """Ask one job to stop; the job as it stands then.

        Raises:
            RecordNotFound: there is no such job.
            Conflict: it has ended already.
        """


class ReadOnlyDispatcher:
    """Where jobs can be read, and are handed in elsewhere."""

    def submit(self, jobs: Sequence[Job], *, wait: Wait | None = FOREVER) -> list[Job]:
        """Refuse.

        Raises:
            NotSupported: always.
        """
        raise NotSupported("jobs are handed in at the director")

    def waits(self) -> Mapping[str, Mapping[str, object]]:
        """Nothing is known here of what jobs wait for."""
        return {}

    def cancel(self, job_id: str) -> Job:
        """Refuse.

        Raises:
            NotSupported: always.
        """
        raise NotSupported("jobs are cancelled at the director")
