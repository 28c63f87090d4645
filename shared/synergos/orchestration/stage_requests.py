"""What all stage requests have in common: one job per combination, and the results when they are there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import ClassVar, Generic, TypeVar

from synergos.bodies.stages import StageBody, options_of
from synergos.domain.job import Job, JobState, Stage
from synergos.domain.job_options import JobOptions
from synergos.domain.records import Ids, Kind, Record
from synergos.errors import RecordNotFound
from synergos.orchestration.access import Access
from synergos.orchestration.caller import Caller
from synergos.orchestration.dispatcher import FOREVER, Wait
from synergos.orchestration.shares import Shares
from synergos.orchestration.submission import Submission
from synergos.records.paging import EVERYTHING, Page, Part, Selection
from synergos.records.store import RecordStore
from synergos.schema import Definition

Body = TypeVar("Body", bound=StageBody)


class StageRequests(Generic[Body]):
    """The requests for one stage and the results it leaves; a subclass says which jobs a request makes.

    Attributes:
        kind: what its results are.
        schema: what a body has to be.
    """

    stage: ClassVar[Stage]
    kind: ClassVar[Kind]
    schema: Definition[Body]

    def __init__(
        self, store: RecordStore, submission: Submission, shares: Shares, access: Access | None = None
    ) -> None:
        self.store = store
        self.submission = submission
        self.shares = shares
        self.access = access or Access(store)

    def find(self, caller: Caller, ids: Ids, page: Page = EVERYTHING) -> Part[Record]:
        """The results with these ids, in order of creation.

        Raises:
            RecordNotFound: there are none, or they are being replaced.
            NotPermitted: the caller may read none of them, whichever there are.
        """
        found = self.store.select(self.kind, self.access.narrowed(caller, self.kind, Selection(ids)), page)
        if not found.items and page.after is None:
            scope = ", ".join(f"{field}={value!r}" for field, value in ids.items())
            raise RecordNotFound(f"no {self.kind.value} with {scope}")
        return found.map(self.access.sight(caller).record)

    def request(
        self, caller: Caller, ids: Ids, body: Mapping[str, object], *, wait: Wait | None = FOREVER
    ) -> list[Job]:
        """Accept a request; its jobs as they stand when it may be answered.

        Raises:
            NotPermitted: the caller may not.
            InvalidRequest: a field of the body is wrong; names it.
            RecordNotFound: something that ``ids`` name is not there.
            Conflict: it cannot be done as things stand.
            QuotaExceeded: its collaboration has as much as it may, or as many jobs wait as may.
        """
        self.check_caller(caller, ids)
        asked = self.asked(body)
        return self.submission.hand_over(self.accept(caller, ids, options_of(asked), asked), wait=wait)

    def rehearse(self, caller: Caller, ids: Ids, body: Mapping[str, object]) -> list[Job]:
        """The jobs that :meth:`request` would accept; none is stored, and none runs.

        Raises:
            SynergosError: as :meth:`request` does before its jobs begin.
        """
        self.check_caller(caller, ids)
        asked = self.asked(body)
        with self.store.rehearsal():
            return self.accept(caller, ids, options_of(asked), asked)

    def asked(self, body: Mapping[str, object]) -> Body:
        """What a body asks for.

        Raises:
            InvalidRequest: names the field.
        """
        return self.schema.read(body)

    def accept(self, caller: Caller, ids: Ids, options: JobOptions, asked: Body | None = None) -> list[Job]:
        """Store the jobs of a request, all or none; they are to be handed over when the transaction at hand has ended.

        Args:
            options: see :meth:`plan`.
            asked: see :meth:`plan`.

        Raises:
            RecordNotFound: see :meth:`plan`.
            Conflict: see :meth:`plan`.
            QuotaExceeded: see :meth:`request`.
        """
        with self.store.transaction():
            jobs = [replace(job, trace=caller.trace) for job in self.plan(caller, ids, options, asked)]
            self.shares.check_room(ids)
            self.add(jobs)
        return jobs

    def add(self, jobs: Sequence[Job]) -> None:
        """Store the jobs of a request, of one collaboration; called in a transaction.

        Raises:
            TooManyAtOnce: more would wait than may.
        """
        self.store.add_jobs(jobs)
        for job in jobs[:1]:
            self.shares.check_jobs(job.keys)

    def check_caller(self, caller: Caller, ids: Ids) -> None:
        """Return when somebody may ask for the stage, or delete what it has left.

        Raises:
            NotPermitted: not.
        """
        self.access.check_working(caller, ids)

    def plan(self, caller: Caller, ids: Ids, options: JobOptions, asked: Body | None = None) -> list[Job]:
        """The jobs of a request; nothing is stored.

        Args:
            options: what the jobs are asked with.
            asked: the whole request, for what is no option.

        Raises:
            RecordNotFound: something that ``ids`` name is not there.
            Conflict: it cannot be done as things stand.
        """
        raise NotImplementedError

    def results(self, caller: Caller, jobs: Sequence[Job]) -> list[Record]:
        """What completed jobs left, in their order, whether or not it is being replaced by now."""
        completed = (job for job in jobs if job.state is JobState.COMPLETED)
        told = self.access.sight(caller).record
        return [told(record) for job in completed for record in self.store.find(self.kind, job.keys)]
