"""Handing jobs in: stored first, then told to whoever runs them."""

from __future__ import annotations

from collections.abc import Sequence

from synergos.domain.job import Job, JobError, JobState
from synergos.errors import ClientGone, ServiceStopping
from synergos.orchestration.dispatcher import Dispatcher, Wait
from synergos.records.store import RecordStore


class Submission:
    """The way of every accepted job, whoever asked for it."""

    def __init__(self, store: RecordStore, dispatcher: Dispatcher) -> None:
        self._store = store
        self._dispatcher = dispatcher

    def hand_over(self, jobs: Sequence[Job], *, wait: Wait | None) -> list[Job]:
        """Have stored jobs run; as they stand when a request may be answered.

        Called outside the transaction that stored them: whoever runs them must be able to read them.

        Args:
            wait: how to wait for their end, where the grid runs them itself; None not to.
        """
        if not jobs:
            return []
        try:
            return self._dispatcher.submit(jobs, wait=wait)
        except (ServiceStopping, ClientGone):
            # The jobs stay queued; whoever takes this one's place takes them up, if it is about to end.
            raise
        except Exception as error:
            # Nobody will take them up; as long as they were waiting they would hide results.
            reason = JobError(type(error).__name__, "the job could not be handed over")
            for job in map(self._store.job, [job.id for job in jobs]):
                if job.state in {JobState.WAITING, JobState.QUEUED}:
                    self._store.save_job(job.ended(JobState.FAILED, reason))
            raise
