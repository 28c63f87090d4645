"""Jobs: what became of what was asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from synergos.domain.damage import Damaged
from synergos.domain.job import Job
from synergos.orchestration.caller import Caller
from synergos.orchestration.dispatcher import Dispatcher
from synergos.records.paging import EVERYTHING, Page, Part
from synergos.records.store import RecordStore


class Jobs:
    """The jobs of one record store, as those see them who asked for them."""

    def __init__(self, store: RecordStore, dispatcher: Dispatcher) -> None:
        self._store = store
        self._dispatcher = dispatcher

    def find(self, caller: Caller, filters: Mapping[str, str], page: Page = EVERYTHING) -> Part[Job | Damaged]:
        """The jobs with this ``state``, this ``stage`` and these ids in their keys, in the order they were accepted."""
        return self._store.select_jobs(filters, page)

    def get(self, caller: Caller, job_id: str) -> Job | Damaged:
        """One job.

        Raises:
            RecordNotFound: there is none.
        """
        return self._store.find_job(job_id)

    def waits(self, caller: Caller) -> Mapping[str, Mapping[str, Any]]:
        """What the jobs that have not started wait for; see :class:`~synergos.orchestration.dispatcher.Dispatcher`."""
        return self._dispatcher.waits()

    def cancel(self, caller: Caller, job_id: str) -> Job:
        """Ask a job to stop; as it stands then.

        Raises:
            RecordNotFound: there is no such job.
            Conflict: it has ended already.
        """
        self._store.job(job_id)
        return self._dispatcher.cancel(job_id)
