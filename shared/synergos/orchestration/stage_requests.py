"""What all stage requests have in common: one job per combination, and the results when they are there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Generic, TypeVar

from synergos.bodies.stages import StageBody, options_of
from synergos.domain.job import Job, JobState, Stage
from synergos.domain.records import Ids, Kind
from synergos.errors import RecordNotFound
from synergos.orchestration.caller import Caller
from synergos.orchestration.dispatcher import FOREVER, Wait
from synergos.orchestration.shares import Shares
from synergos.orchestration.submission import Submission
from synergos.records.paging import EVERYTHING, Page, Part, Selection
from synergos.records.store import Record, RecordStore
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

    def __init__(self, store: RecordStore, submission: Submission, shares: Shares) -> None:
        self.store = store
        self.submission = submission
        self.shares = shares

    def find(self, caller: Caller, ids: Ids, page: Page = EVERYTHING) -> Part[Record]:
        """The results with these ids, in order of creation.

        Raises:
            RecordNotFound: there are none, or they are being replaced.
        """
        found = self.store.select(self.kind, Selection(ids), page)
        if not found.items and page.after is None:
            scope = ", ".join(f"{field}={value!r}" for field, value in ids.items())
            raise RecordNotFound(f"no {self.kind.value} with {scope}")
        return found

    def request(self, caller: Caller, ids: Ids, body: Mapping[str, Any], *, wait: Wait | None = FOREVER) -> list[Job]:
        """Accept a request; its jobs as they stand when it may be answered.

        Raises:
            InvalidRequest: a field of the body is wrong; names it.
            RecordNotFound: something that ``ids`` name is not there.
            Conflict: it cannot be done as things stand.
            QuotaExceeded: its collaboration has as much as it may, or as many jobs wait as may.
        """
        asked = self.schema.read(body)
        return self.submission.hand_over(self.accept(caller, ids, options_of(asked), asked), wait=wait)

    def accept(self, caller: Caller, ids: Ids, options: Mapping[str, Any], asked: Body | None = None) -> list[Job]:
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
            jobs = self.plan(caller, ids, options, asked)
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

    def plan(self, caller: Caller, ids: Ids, options: Mapping[str, Any], asked: Body | None = None) -> list[Job]:
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
        return [record for job in completed for record in self.store.find(self.kind, job.keys)]
