"""Deleting: what is at work on it is stopped first, then its records go in one transaction, and its files after them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

import structlog

from synergos.domain.job import Job, Stage
from synergos.domain.job_event import cancel_asked
from synergos.domain.keys import RegistrationKey
from synergos.domain.records import Ids, Kind, Record, restrict
from synergos.domain.removal import Removal
from synergos.domain.study import Study
from synergos.errors import Conflict, InvalidRequest, RecordNotFound
from synergos.orchestration.access import Access
from synergos.orchestration.alignment_invalidation import brings_data
from synergos.orchestration.caller import Caller
from synergos.orchestration.declarations import Declarations
from synergos.orchestration.dispatcher import Dispatcher
from synergos.orchestration.removal_plan import HAVE_FOLDERS, RemovalPlan, plan_of, plan_of_results
from synergos.orchestration.results import delete_results, require_results
from synergos.orchestration.study_records import StudyRecords
from synergos.orchestration.terms import AS_EVER, Terms
from synergos.orchestration.view import View
from synergos.records.paging import EVERYTHING, Page, Part
from synergos.records.removals import Removals
from synergos.records.store import RecordStore

log = structlog.get_logger(__name__)

STOP_SECONDS = 60.0
"""For how long whoever deletes waits for what was asked to stop."""

FILES_SECONDS = 10.0
"""For how long whoever deletes waits for files to be gone; what takes longer is told, and goes on."""

_PAUSE = 0.05

AtWork: TypeAlias = Job | Study

Deleted = TypeVar("Deleted")

_RESULTS: Mapping[Stage, Kind] = {
    Stage.TRAIN: Kind.MODEL,
    Stage.VALIDATE: Kind.VALIDATION,
    Stage.PREDICT: Kind.PREDICTION,
}


@dataclass(frozen=True)
class Files:
    """What became of the files of something that was deleted.

    Attributes:
        are_kept: whether they were to stay.
        removed: the places where none is left.
        waiting: what is still to be removed, with the reason where it was tried in vain.
        stay: in words, what nobody will remove, and why.
    """

    are_kept: bool
    removed: Sequence[str] = ()
    waiting: Sequence[Removal] = ()
    stay: Sequence[str] = ()


class Deletions:
    """Deletes declared records of one record store.

    Args:
        declarations: what can be deleted, by kind.
        wake_tuner: has studies looked after at once.
        wake_remover: has files removed at once; None where nobody removes any.
    """

    def __init__(
        self,
        store: RecordStore,
        dispatcher: Dispatcher,
        declarations: Mapping[Kind, Declarations[Any]],
        wake_tuner: Callable[[], None] = lambda: None,
        wake_remover: Callable[[], None] | None = None,
        stop_seconds: float = STOP_SECONDS,
        files_seconds: float = FILES_SECONDS,
        access: Access | None = None,
    ) -> None:
        self._store = store
        self._dispatcher = dispatcher
        self._declarations = declarations
        self._wake_tuner = wake_tuner
        self._wake_remover = wake_remover
        self._stop_seconds = stop_seconds
        self._files_seconds = files_seconds
        self._access = access or Access(store)
        self._removals = Removals(store)
        self._studies = StudyRecords(store)

    def delete(
        self, caller: Caller, kind: Kind, ids: Ids, *, keep_files: bool = False, terms: Terms = AS_EVER
    ) -> tuple[View, Files]:
        """Delete a record with everything under it, and the files that belong to that; it is shown as it was.

        Jobs and studies that are at work on it are cancelled and waited for.

        Args:
            keep_files: whether files stay where they are.
            terms: what it has to be like, before anything is stopped and still when it is deleted.

        Raises:
            RecordNotFound: there is no such record.
            NotPermitted: it is another's.
            ConditionFailed: it is not as ``terms`` has it.
            Conflict: a job did not end in time; nothing is deleted.
        """
        self._access.check_deleting(caller, kind, ids)
        self._declarations[kind].check(caller, ids, terms)

        def delete() -> tuple[View, RemovalPlan]:
            plan = RemovalPlan() if keep_files else plan_of(self._store, kind, ids)
            return self._declarations[kind].delete(caller, ids, terms), plan

        shown, plan = self._when_idle(lambda: self._at_work(kind, ids), delete)
        log.info("deleted", record=kind.value, keep_files=keep_files, **restrict(ids, kind).to_dict())
        return shown, self._what_became(plan, are_kept=keep_files)

    def delete_results(
        self, caller: Caller, stage: Stage, ids: Ids, *, keep_files: bool = False
    ) -> tuple[list[Record], Files]:
        """Delete the results of a stage, of one run, and the files that belong to them; they are shown as they were.

        A model takes what was measured on it along, and the trainings before it. Jobs at work on them are cancelled and
        waited for, as those are that would leave new ones.

        Args:
            ids: the run's, and a participant's where only its results are meant.
            keep_files: whether files stay where they are.

        Raises:
            InvalidRequest: no run is named.
            NotPermitted: they are another's.
            RecordNotFound: there are none.
            Conflict: a job did not end in time; nothing is deleted.
        """
        if "run_id" not in ids:
            raise InvalidRequest("is required: results are deleted of one run at a time", "run_id")
        kind = _RESULTS[stage]
        if kind is not Kind.PREDICTION or not self._access.owns(caller, ids["collab_id"]):
            self._check_results(caller, kind, ids)
        require_results(self._store, kind, ids)

        def delete() -> tuple[list[Record], RemovalPlan]:
            found = require_results(self._store, kind, ids)
            plan = RemovalPlan() if keep_files else plan_of_results(self._store, kind, found)
            delete_results(self._store, kind, found)
            return found, plan

        found, plan = self._when_idle(lambda: self._at_work_on_results(stage, ids), delete)
        log.info("deleted", record=kind.value, keep_files=keep_files, results=len(found), **ids)
        told = self._access.sight(caller).record
        return [told(record) for record in found], self._what_became(plan, are_kept=keep_files)

    def _check_results(self, caller: Caller, kind: Kind, ids: Ids) -> None:
        """Return when results are somebody's to delete: predictions are their participant's, all else its collaboration's.

        Raises:
            NotPermitted: not.
        """
        if kind is Kind.PREDICTION:
            self._access.check_acting_for(caller, ids["participant_id"])
        else:
            self._access.check_working(caller, ids)

    def _when_idle(
        self, at_work: Callable[[], list[AtWork]], delete: Callable[[], tuple[Deleted, RemovalPlan]]
    ) -> tuple[Deleted, RemovalPlan]:
        """Delete something, and write down which files go with it, as soon as nothing is at work on it any more.

        Raises:
            Conflict: something did not end in time.
        """
        deadline = time.monotonic() + self._stop_seconds

        def try_to() -> tuple[Deleted, RemovalPlan] | None:
            with self._store.transaction():
                hindering = at_work()
                if not hindering:
                    deleted, plan = delete()
                    self._removals.add(plan.removals)
                    return deleted, plan
            # Outside any transaction: a dispatcher has a lock of its own, which its job thread holds while it writes.
            self._stop(hindering, deadline)
            return None

        while (done := self._store.database.making_room(try_to)) is None:
            pass
        return done

    def undone(self, caller: Caller, ids: Ids, page: Page = EVERYTHING) -> Part[Removal]:
        """The files that are still to be removed of what has these ids, in the order it was deleted.

        Raises:
            NotPermitted: the caller has no collaboration that anything could be removed from.
        """
        return self._removals.select(ids, page, self._access.working_on(caller))

    def forget(self, caller: Caller, removal_id: str) -> Removal:
        """Leave files where they are that were to be removed, for instance because their host is gone for good.

        Raises:
            RecordNotFound: there is no such removal, or it is done.
            NotPermitted: it is another's.
        """
        with self._store.transaction():
            ended = self._removals.end(removal_id)
            # Where it is refused, nothing of this transaction holds.
            self._access.check_working(caller, ended.folder)
            return ended

    def _at_work(self, kind: Kind, ids: Ids) -> list[AtWork]:
        """The studies and jobs that need what is to be deleted."""
        if kind is Kind.INVITATION:
            return []
        own = restrict(ids, kind)
        found: list[AtWork] = [*self._studies.unfinished(), *self._store.unfinished_jobs()]
        if kind in HAVE_FOLDERS:
            # A study does without one of its trials.
            return [each for each in found if own.items() <= _keys(each).items()]
        leaving = [RegistrationKey.of(record["key"]) for record in self._store.find(Kind.REGISTRATION, own)]
        return [each for each in found if any(self._needs(each, key) for key in leaving)]

    def _at_work_on_results(self, stage: Stage, ids: Ids) -> list[AtWork]:
        """The jobs that use what a stage has left, or will leave it anew."""
        stages = {stage, *(Stage.VALIDATE, Stage.PREDICT)} if stage is Stage.TRAIN else {stage}
        return [
            job
            for job in self._store.unfinished_jobs()
            # A job without, say, a participant is about every participant.
            if job.stage in stages and all(job.keys.get(name, value) == value for name, value in ids.items())
        ]

    def _needs(self, each: AtWork, key: RegistrationKey) -> bool:
        """Whether something cannot go on as it was begun when a participant leaves its project."""
        keys = _keys(each)
        if keys["collab_id"] != key.collab_id or keys["project_id"] != key.project_id:
            return False
        if "participant_id" in keys:
            return keys["participant_id"] == key.participant_id
        return any(brings_data(tags) for tags in self._store.find(Kind.TAG, key))

    def _stop(self, at_work: Iterable[AtWork], deadline: float) -> None:
        """Ask studies and jobs to stop, and wait until they have.

        Raises:
            Conflict: one has not, in time.
        """
        for each in at_work:
            with suppress(Conflict, RecordNotFound):
                if isinstance(each, Job):
                    news = cancel_asked(because="what it works on is being deleted")
                    self._store.history.add_if_there_is_room(each.id, news)
                    self._dispatcher.cancel(each.id)
                else:
                    self._studies.stop(each.id)
        self._wake_tuner()
        for each in at_work:
            while not self._has_ended(each):
                if time.monotonic() > deadline:
                    what = "job" if isinstance(each, Job) else "study"
                    raise Conflict(
                        f"{what} {each.id} was asked to stop and has not ended yet; delete again when it has"
                    )
                time.sleep(_PAUSE)

    def _has_ended(self, each: AtWork) -> bool:
        try:
            now = self._store.job(each.id) if isinstance(each, Job) else self._studies.get(each.id)
        except RecordNotFound:
            return True
        return now.state.is_final

    def _what_became(self, plan: RemovalPlan, *, are_kept: bool) -> Files:
        """Wait a little for files to be gone, and say which are."""
        left = self._left_of(plan.removals) if plan.removals else []
        waiting = {each.place for each in left}
        removed = dict.fromkeys(each.place for each in plan.removals if each.place not in waiting)
        return Files(are_kept, list(removed), left, plan.stay)

    def _left_of(self, removals: Sequence[Removal]) -> list[Removal]:
        if self._wake_remover is None:
            return self._removals.left_of(removals)
        self._wake_remover()
        deadline = time.monotonic() + self._files_seconds
        while True:
            left = self._removals.left_of(removals)
            if all(each.tried_at is not None for each in left) or time.monotonic() > deadline:
                return left
            time.sleep(_PAUSE)


def _keys(each: AtWork) -> Mapping[str, str]:
    return each.keys if isinstance(each, Job) else each.experiment
