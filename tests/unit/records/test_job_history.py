"""What has happened to a job is kept in order, and what its rounds have lost by attempts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from synergos.domain.job import Job, JobError, JobState, Stage
from synergos.domain.job_event import JobEvent, JobEventKind, JobNews, RoundLoss, cancel_asked, is_kept
from synergos.domain.keys import RunKey
from synergos.errors import RecordNotFound
from synergos.records import RecordStore

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
TAKEN_UP = JobEvent(JobEventKind.TAKEN_UP)


@pytest.fixture
def job(store: RecordStore) -> Job:
    job = Job(Stage.TRAIN, RunKey("c", "p", "e", "r"))
    store.add_jobs([job])
    return job


def begun(after: int) -> JobEvent:
    return JobEvent(JobEventKind.TRAINING_BEGAN, about={"rounds": 9, "after": after})


def lost(number: int, train: float = 0.5, evaluate: float | None = None) -> RoundLoss:
    return RoundLoss(number, train, evaluate, {"a": train}, NOON)


def kinds(store: RecordStore, job: Job) -> list[JobEventKind]:
    return [event.kind for event in store.history.events(job.id, 0, 100).items]


def rounds(store: RecordStore, job: Job, attempt: int | None = None) -> list[tuple[int, int, float | None]]:
    """Attempt, round and training loss of each."""
    found = store.history.rounds(job.id, 0, 100, attempt).items
    return [(each.attempt, each.number, each.train) for each in found]


def add(
    store: RecordStore, job: Job, *events: JobEvent, of: Sequence[RoundLoss] = (), past: Sequence[RoundLoss] = ()
) -> None:
    store.history.add(job.id, JobNews(events, tuple(of), tuple(past)))


def test_a_job_begins_with_being_accepted_and_ends_once(store: RecordStore, job: Job) -> None:
    failed = job.started().ended(JobState.FAILED, JobError("WorkerRefused", "no", participant="w", field="age"))
    store.save_job(job.started())
    store.save_job(failed)
    store.save_job(failed)

    first, last = store.history.events(job.id, 0, 100).items
    assert (first.kind, first.number, first.attempt, first.at) == (JobEventKind.ACCEPTED, 1, 0, job.created_at)
    assert (last.kind, last.participant, last.at) == (JobEventKind.ENDED, "w", failed.finished_at)
    assert last.about == {
        "state": "failed",
        "error": {"kind": "WorkerRefused", "message": "no", "participant": "w", "field": "age"},
    }


def test_events_have_numbers_and_the_attempt_they_happened_in(store: RecordStore, job: Job) -> None:
    add(store, job, TAKEN_UP, JobEvent(JobEventKind.BACK, "w", at=NOON))
    add(store, job, TAKEN_UP)

    found = store.history.events(job.id, 1, 100).items
    assert [(event.number, event.attempt, event.participant) for event in found] == [
        (2, 1, None),
        (3, 1, "w"),
        (4, 2, None),
    ]
    assert [event.number for event in store.history.events(job.id, 0, 100, attempt=2).items] == [4]


def test_events_are_read_in_parts(store: RecordStore, job: Job) -> None:
    add(store, job, *[TAKEN_UP] * 3)

    first = store.history.events(job.id, 0, 3)
    assert ([event.number for event in first.items], first.after) == ([1, 2, 3], 3)
    second = store.history.events(job.id, 3, 3)
    assert ([event.number for event in second.items], second.after) == ([4], None)


def test_of_a_round_the_evaluation_becomes_known_later(store: RecordStore, job: Job) -> None:
    add(store, job, TAKEN_UP, begun(0), of=[lost(1), lost(2)])
    add(store, job, of=[lost(2, evaluate=0.25), lost(3)])

    found = store.history.rounds(job.id, 1, 100).items
    assert [(each.number, each.evaluate, each.participants, each.at) for each in found] == [
        (2, 0.25, {"a": 0.5}, NOON),
        (3, None, {"a": 0.5}, NOON),
    ]


def test_a_loss_that_is_no_number_is_none(store: RecordStore, job: Job) -> None:
    add(store, job, TAKEN_UP, begun(0), of=[RoundLoss(1, float("nan"), float("inf"), {"a": float("nan")})])

    [found] = store.history.rounds(job.id, 0, 100).items
    assert (found.train, found.evaluate, found.participants, found.at) == (None, None, {"a": None}, None)


def test_an_attempt_that_goes_on_adds_its_rounds_to_those_before(store: RecordStore, job: Job) -> None:
    add(store, job, TAKEN_UP, begun(0), of=[lost(1), lost(2)])
    add(store, job, TAKEN_UP, begun(2), of=[lost(3)], past=[lost(1), lost(2)])

    assert rounds(store, job) == [(1, 1, 0.5), (1, 2, 0.5), (2, 3, 0.5)]
    assert rounds(store, job, attempt=2) == [(2, 3, 0.5)]


def test_an_attempt_that_begins_anew_takes_the_place_of_those_before(store: RecordStore, job: Job) -> None:
    add(store, job, TAKEN_UP, begun(0), of=[lost(1), lost(2)])
    add(store, job, TAKEN_UP, begun(0), of=[lost(1, 0.7)])

    assert rounds(store, job) == [(2, 1, 0.7)]
    assert rounds(store, job, attempt=1) == [(1, 1, 0.5), (1, 2, 0.5)]


def test_what_was_not_written_before_a_program_was_killed_is_found_where_rounds_are_kept(
    store: RecordStore, job: Job
) -> None:
    add(store, job, TAKEN_UP, begun(0), of=[lost(1), lost(2)])
    add(store, job, TAKEN_UP, begun(3), past=[lost(1), lost(2, evaluate=0.25), lost(3, 0.3)])

    assert rounds(store, job) == [(1, 1, 0.5), (1, 2, 0.5), (1, 3, 0.3)]
    assert store.history.rounds(job.id, 0, 100).items[1].evaluate == 0.25


def test_what_ran_before_anything_was_kept_is_found_too(store: RecordStore, job: Job) -> None:
    add(store, job, TAKEN_UP, begun(2), past=[lost(1), lost(2)], of=[lost(3)])

    assert rounds(store, job) == [(0, 1, 0.5), (0, 2, 0.5), (1, 3, 0.5)]


def test_writing_the_same_rounds_again_changes_nothing(store: RecordStore, job: Job) -> None:
    """As after a write of which nobody knows whether it was done."""
    for _ in range(2):
        add(store, job, of=[lost(1), lost(2)])

    assert store.history.rounds(job.id, 0, 100, attempt=0).items == [lost(1), lost(2)]


def test_progress_and_what_has_happened_are_stored_together(store: RecordStore, job: Job) -> None:
    store.update_progress(job.id, {"round": 1}, JobNews((TAKEN_UP, begun(0)), (lost(1),)))
    store.update_progress(job.id, None, cancel_asked("lead"))

    assert store.job(job.id).progress == {"round": 1}
    assert kinds(store, job)[1:] == [JobEventKind.TAKEN_UP, JobEventKind.TRAINING_BEGAN, JobEventKind.CANCEL_ASKED]
    assert len(rounds(store, job)) == 1


def test_a_job_that_is_not_there_has_no_history(store: RecordStore) -> None:
    for look in (store.history.events, store.history.rounds):
        with pytest.raises(RecordNotFound):
            look("other", 0, 10)
    with pytest.raises(RecordNotFound):
        store.history.add("other", cancel_asked())


def test_of_very_many_rounds_fewer_are_kept() -> None:
    assert all(map(is_kept, range(1, 10_001)))
    assert [number for number in range(10_001, 10_031) if is_kept(number)] == [10_010, 10_020, 10_030]
    assert sum(map(is_kept, range(1, 1_000_001))) < 30_000
