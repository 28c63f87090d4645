"""Which queue a job is published in, and what was not published."""

from __future__ import annotations

from typing import Any

import pytest

from fakes.director_parts import PROJECT, RUN, MemoryQueue, accepted, taken_up
from synergos.domain.job import Job, Stage
from synergos.domain.keys import job_key
from synergos.domain.messages import JOB_MESSAGE, JobMessage
from synergos.domain.records import Kind
from synergos.records import RecordStore
from synergos.records.leases import Leases
from synergos_director.job_publisher import JobPublisher

PREDICTION = Job(Stage.PREDICT, job_key({**RUN, "participant_id": "worker_1"}), {"tags": [["new"]]})


def test_each_stage_has_its_queue(store: RecordStore, queue: MemoryQueue, publisher: JobPublisher) -> None:
    jobs = [accepted(store, stage) for stage in (Stage.PREPROCESS, Stage.TRAIN, Stage.VALIDATE)]
    publisher.publish([*jobs, PREDICTION])
    assert queue.published == [
        ("preprocess", jobs[0].id),
        ("train", jobs[1].id),
        ("evaluate", jobs[2].id),
        ("evaluate", PREDICTION.id),
    ]


def test_a_job_whose_project_was_deleted_is_announced_so_that_it_can_say_so(
    store: RecordStore, queue: MemoryQueue, publisher: JobPublisher
) -> None:
    job = accepted(store, Stage.TRAIN)
    store.delete(Kind.PROJECT, PROJECT)

    publisher.publish([job])

    [(_, message)] = queue.messages
    assert JOB_MESSAGE.read(message) == JobMessage(job.id, store.cluster_id())
    assert message["grids"] == []


def test_a_queue_that_is_away_fails_nothing(store: RecordStore, queue: MemoryQueue, publisher: JobPublisher) -> None:
    queue.is_away = True
    publisher.publish([accepted(store, Stage.TRAIN)])
    assert queue.published == []


def test_messages_are_counted_by_queue_and_not_by_job(
    store: RecordStore, queue: MemoryQueue, publisher: JobPublisher
) -> None:
    first, second, training = (accepted(store, stage) for stage in (Stage.VALIDATE, Stage.VALIDATE, Stage.TRAIN))
    publisher.publish([second])

    assert publisher.missing([first, second, training]) == [second, training]
    publisher.publish([first, training])
    assert publisher.missing([first, second, training]) == []


def test_what_may_start_is_announced_with_what_the_original_reads(
    store: RecordStore, queue: MemoryQueue, publisher: JobPublisher
) -> None:
    job = accepted(store, Stage.TRAIN)

    publisher.publish([job])

    [(name, message)] = queue.messages
    assert (name, message["process"], message["keys"]) == ("train", "train", ["c", "p", "e", "r"])
    assert [[node["keys"]["participant_id"] for node in grid] for grid in message["grids"]] == [
        ["worker_1", "worker_2"]
    ] * 2
    assert [grid[0]["syft"]["port"] for grid in message["grids"]] == [8020, 8021]
    assert message["parameters"]["run"]["rounds"] == 2
    assert message["parameters"]["keys"] == RUN


def test_a_prediction_names_its_requester_and_leaves_the_grids_to_the_ttp(
    store: RecordStore, queue: MemoryQueue, publisher: JobPublisher
) -> None:
    publisher.publish([PREDICTION])
    [(_, message)] = queue.messages
    assert message["grids"] == []
    parameters = message["parameters"]
    assert (parameters["participants"], parameters["metas"]) == (["worker_1"], ["predict"])
    assert parameters["tags"] == {"p": [["new"]]}


@pytest.mark.parametrize("payload", [{"n_count": "x"}, {"n_count": 1, "node_0": 5}, {"n_count": 1}])
@pytest.mark.parametrize("kind", [Kind.REGISTRATION, Kind.PROJECT])
def test_a_damaged_record_keeps_no_job_from_being_announced(
    store: RecordStore, queue: MemoryQueue, publisher: JobPublisher, kind: Kind, payload: dict[str, Any]
) -> None:
    store.put(kind, {**PROJECT, "participant_id": "worker_1"}, payload)
    job, other = accepted(store, Stage.TRAIN), accepted(store, Stage.TRAIN, "other")

    publisher.publish([job, other])

    assert queue.published == [("train", job.id), ("train", other.id)]
    assert taken_up(Leases(store, 3600)).job.id == job.id


def test_what_is_too_large_for_a_message_stays_in_the_records(
    store: RecordStore, queue: MemoryQueue, publisher: JobPublisher
) -> None:
    store.put(Kind.EXPERIMENT, RUN, {"model": ["x" * 5000]})
    queue.largest = 4000
    job = accepted(store, Stage.TRAIN)

    publisher.publish([job])

    [(_, message)] = queue.messages
    assert (message["job_id"], message["keys"], message["parameters"]) == (job.id, ["c", "p", "e", "r"], {})
