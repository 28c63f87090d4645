"""Jobs: what became of what was asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from synergos.domain.damage import Damaged
from synergos.domain.job import Job, JobState
from synergos.domain.job_event import JobEvent, RoundLoss, cancel_asked
from synergos.domain.records import Ids
from synergos.errors import Conflict
from synergos.orchestration.access import Access
from synergos.orchestration.caller import Caller
from synergos.orchestration.disclosure import Sight
from synergos.orchestration.dispatcher import Dispatcher
from synergos.records.jobs import Concerned
from synergos.records.paging import EVERYTHING, Page, Part
from synergos.records.store import RecordStore

_EVENTS_AT_ONCE = 1000


@dataclass(frozen=True)
class Seen:
    """What somebody has seen of a job.

    Attributes:
        event: the number of the last event; 0 for none.
        round: the number of the last round; 0 for none.
        most_rounds: how many of the rounds after it are wanted, the newest.
    """

    event: int
    round: int
    most_rounds: int


@dataclass(frozen=True)
class JobWithNews:
    """A job, and what somebody has not seen of it; both in order."""

    job: Job | Damaged
    events: Sequence[JobEvent]
    rounds: Sequence[RoundLoss]


class Jobs:
    """The jobs of one record store, as those see them who asked for them."""

    def __init__(self, store: RecordStore, dispatcher: Dispatcher, access: Access | None = None) -> None:
        self._store = store
        self._dispatcher = dispatcher
        self._access = access or Access(store)

    def find(self, caller: Caller, filters: Mapping[str, str], page: Page = EVERYTHING) -> Part[Job | Damaged]:
        """The jobs with this ``state``, this ``stage`` and these ids in their keys, in the order they were accepted."""
        sight = self._access.sight(caller)
        return self._store.select_jobs(filters, page, concerned(sight)).map(lambda job: told(sight, job))

    def counts(self, caller: Caller, filters: Mapping[str, str]) -> dict[str, int]:
        """How many of the jobs that :meth:`find` finds, be it in any state, are in each one."""
        others = {name: value for name, value in filters.items() if name != "state"}
        found = self._store.job_states(others, concerned(self._access.sight(caller)))
        return {state.value: found.get(state.value, 0) for state in JobState}

    def get(self, caller: Caller, job_id: str) -> Job | Damaged:
        """One job.

        Raises:
            RecordNotFound: there is none.
            NotPermitted: it is about another participant's data.
        """
        self._readable(caller, job_id)
        return told(self._access.sight(caller), self._store.find_job(job_id))

    def with_news(self, caller: Caller, job_id: str, seen: Seen) -> JobWithNews:
        """One job, and what somebody who has seen some of it has not seen yet, as all of it was at one moment.

        Raises:
            RecordNotFound: there is none.
            NotPermitted: it is about another participant's data.
        """
        with self._store.database.reading():
            job = self._store.find_job(job_id)
            self._access.check_reading_job(caller, job.keys)
            sight = self._access.sight(caller)
            disclosure, history = sight.within(job.keys), self._store.history
            events: list[JobEvent] = []
            after: int | None = seen.event
            while after is not None:
                part = history.events(job_id, after, _EVENTS_AT_ONCE)
                events += [event for each in part.items if (event := disclosure.event(each, job.keys)) is not None]
                after = part.after
            rounds = history.newest_rounds(job_id, seen.round, seen.most_rounds)
        return JobWithNews(told(sight, job), events, [disclosure.round(each, job.keys) for each in rounds])

    def events(self, caller: Caller, job_id: str, after: int, limit: int, attempt: int | None = None) -> Part[JobEvent]:
        """What has happened to a job, in order, so much at most; the page after it begins after that number.

        Args:
            after: the number of the last one that is known already; 0 for none.
            attempt: of one attempt only; None for all.

        Raises:
            RecordNotFound: there is no such job.
            NotPermitted: it is about another participant's data.
        """
        keys = self._readable(caller, job_id)
        sight = self._access.sight(caller).within(keys)
        found = self._store.history.events(job_id, after, limit, attempt)
        return Part([event for each in found.items if (event := sight.event(each, keys)) is not None], found.after)

    def rounds(
        self, caller: Caller, job_id: str, after: int, limit: int, attempt: int | None = None
    ) -> Part[RoundLoss]:
        """What the rounds of a training have lost, in order, so many at most; the page after it begins after that round.

        Args:
            after: the last round that is known already; 0 for none.
            attempt: those that one attempt has run; None for those that the training consists of.

        Raises:
            RecordNotFound: there is no such job.
            NotPermitted: it is about another participant's data.
        """
        keys = self._readable(caller, job_id)
        sight = self._access.sight(caller).within(keys)
        return self._store.history.rounds(job_id, after, limit, attempt).map(lambda lost: sight.round(lost, keys))

    def _readable(self, caller: Caller, job_id: str) -> Ids:
        """The keys of a job that somebody may read."""
        job = self._store.find_job(job_id)
        self._access.check_reading_job(caller, job.keys)
        return job.keys

    def waits(self, caller: Caller) -> Mapping[str, Mapping[str, object]]:
        """What the jobs that have not started wait for; see :class:`~synergos.orchestration.dispatcher.Dispatcher`."""
        return self._dispatcher.waits()

    def cancel(self, caller: Caller, job_id: str, because: str | None = None, *, is_rehearsal: bool = False) -> Job:
        """Ask a job to stop; as it stands then.

        Args:
            because: of what, where nobody asked for just that.
            is_rehearsal: only see that it can be asked.

        Raises:
            RecordNotFound: there is no such job.
            Conflict: it has ended already.
            NotPermitted: it is another's.
        """
        job = self._store.job(job_id)
        if "participant_id" not in job.keys or caller.participant != job.keys["participant_id"]:
            self._access.check_working(caller, job.keys)
        if is_rehearsal:
            if job.state.is_final:
                raise Conflict(f"job {job_id} is {job.state} already")
            return job
        if not job.state.is_final:
            # Before it ends, as it may at once.
            by = None if caller.may_everything else caller.name
            self._store.history.add_if_there_is_room(job_id, cancel_asked(by, because))
        return self._dispatcher.cancel(job_id)


def concerned(sight: Sight) -> Concerned | None:
    """The jobs of which somebody may hear; None where that is all of them."""
    return None if sight.owned is None else Concerned(sight.owned, sight.participant)


def told(sight: Sight, job: Job | Damaged) -> Job | Damaged:
    """A job as somebody is told of it."""
    return job if isinstance(job, Damaged) else sight.within(job.keys).job(job)
