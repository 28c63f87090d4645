"""What a client is told of jobs that have not started, and what becomes of those it does not want any more."""

from __future__ import annotations

from typing import Any

import pytest

from fakes.director_parts import MemoryQueue, accepted, taken_up
from synergos.domain.job import JobState, Stage
from synergos.errors import Conflict, RecordNotFound
from synergos.records import RecordStore
from synergos.records.leases import Leases
from synergos_director.dispatch import QueueDispatcher


def test_a_job_is_accepted_while_the_queue_is_away(
    store: RecordStore, queue: MemoryQueue, dispatcher: QueueDispatcher
) -> None:
    queue.is_away = True
    job = accepted(store, Stage.TRAIN)
    assert [answered.state for answered in dispatcher.submit([job])] == [JobState.QUEUED]


def test_what_must_wait_is_answered_as_waiting(store: RecordStore, dispatcher: QueueDispatcher) -> None:
    jobs = [accepted(store, Stage.PREPROCESS), accepted(store, Stage.TRAIN), accepted(store, Stage.VALIDATE)]
    answered = dispatcher.submit(jobs)
    assert [job.state for job in answered] == [JobState.QUEUED, JobState.WAITING, JobState.WAITING]


def test_a_ready_job_says_how_many_come_before_and_how_many_grids_are_busy(
    store: RecordStore, leases: Leases, dispatcher: QueueDispatcher
) -> None:
    jobs = [accepted(store, Stage.TRAIN, f"r{number}") for number in range(3)]
    taken_up(leases)
    assert dispatcher.waits() == {
        jobs[1].id: {"position": 0, "reason": "1 of 1 sub-grids are busy"},
        jobs[2].id: {"position": 1, "reason": "1 of 1 sub-grids are busy"},
    }


def test_an_urgent_job_stands_before_those_that_came_earlier(
    store: RecordStore, leases: Leases, dispatcher: QueueDispatcher
) -> None:
    jobs = [accepted(store, Stage.TRAIN, "r1"), accepted(store, Stage.TRAIN, "r2", priority=1)]
    assert [dispatcher.waits()[job.id]["position"] for job in jobs] == [1, 0]
    assert taken_up(leases).job.id == jobs[1].id


def test_a_job_that_is_tried_again_says_when(
    store: RecordStore, leases: Leases, dispatcher: QueueDispatcher, clock: Any
) -> None:
    job = accepted(store, Stage.TRAIN)
    leases.release(taken_up(leases), delay=5)
    assert dispatcher.waits() == {job.id: {"reason": "it is tried again at 2026-11-23T00:00:05+00:00"}}


def test_a_job_whose_ttp_is_dead_is_cancelled_at_once(
    store: RecordStore, leases: Leases, dispatcher: QueueDispatcher, clock: Any
) -> None:
    job = accepted(store, Stage.TRAIN)
    taken_up(leases)
    clock.passes(11)
    assert dispatcher.cancel(job.id).state is JobState.CANCELLED


def test_what_is_being_archived_is_not_cancelled(
    store: RecordStore, leases: Leases, dispatcher: QueueDispatcher
) -> None:
    job = accepted(store, Stage.TRAIN)
    leases.deliver(taken_up(leases))
    with pytest.raises(Conflict, match="archiving already"):
        dispatcher.cancel(job.id)


def test_what_is_not_there_is_not_cancelled(dispatcher: QueueDispatcher) -> None:
    with pytest.raises(RecordNotFound):
        dispatcher.cancel("nothing")


def test_cancelling_frees_what_waited(store: RecordStore, queue: MemoryQueue, dispatcher: QueueDispatcher) -> None:
    alignment, training = accepted(store, Stage.PREPROCESS), accepted(store, Stage.TRAIN)
    dispatcher.submit([alignment, training])

    assert dispatcher.cancel(alignment.id).state is JobState.CANCELLED

    assert queue.published == [("preprocess", alignment.id), ("train", training.id)]
    with pytest.raises(Conflict, match="cancelled already"):
        dispatcher.cancel(alignment.id)


def test_a_running_job_is_asked_to_stop(store: RecordStore, leases: Leases, dispatcher: QueueDispatcher) -> None:
    job = accepted(store, Stage.TRAIN)
    taken_up(leases)
    assert dispatcher.cancel(job.id).state is JobState.RUNNING


def test_without_a_ttp_a_job_says_so(store: RecordStore, leases: Leases, dispatcher: QueueDispatcher) -> None:
    job = accepted(store, Stage.TRAIN)
    dispatcher.submit([job])
    assert dispatcher.waits()[job.id] == {"position": 0, "reason": "no TTP is running"}
