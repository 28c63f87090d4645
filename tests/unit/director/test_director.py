"""The director's parts, with a queue in memory: what is announced, archived, and looked after."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from synergos.domain.job import Job, JobError, JobState, Stage
from synergos.domain.messages import Outcome
from synergos.domain.records import Kind
from synergos.errors import Conflict, InvalidRequest
from synergos.records import RecordStore
from synergos.records.leases import MAXIMUM_ATTEMPTS, Leases
from synergos_director.announcer import Announcer
from synergos_director.archivist import Archivist, NotOurs
from synergos_director.dispatch import QueueDispatcher
from synergos_director.watch import Watch

PROJECT = {"collab_id": "c", "project_id": "p"}
RUN = {**PROJECT, "expt_id": "e", "run_id": "r"}


@dataclass
class Queue:
    """Keeps what is published; can be away."""

    published: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)
    is_away: bool = False

    def publish(self, queue: str, messages: Sequence[Mapping[str, Any]]) -> None:
        if self.is_away:
            raise ConnectionError
        self.published.extend((queue, message) for message in messages)

    def waiting(self) -> Mapping[str, int]:
        if self.is_away:
            raise ConnectionError
        queues = [queue for queue, _ in self.published]
        return {queue: queues.count(queue) for queue in queues}

    @property
    def announced(self) -> list[str]:
        return [message["job_id"] for _, message in self.published]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[RecordStore]:
    store = RecordStore(f"sqlite:///{tmp_path / 'records.sqlite'}")
    with store.transaction():
        store.put(Kind.COLLABORATION, PROJECT, {})
        store.put(Kind.PROJECT, PROJECT, {"action": "classify"})
        store.put(Kind.EXPERIMENT, RUN, {"model": [{"l_type": "Linear"}]})
        store.put(Kind.RUN, RUN, {"rounds": 2})
        for number in (1, 2):
            nodes = {f"node_{index}": {"host": "h", "port": 8020 + index, "f_port": 5000} for index in range(2)}
            who = {"participant_id": f"worker_{number}"}
            store.put(Kind.REGISTRATION, {**PROJECT, **who}, {"n_count": 2, "role": "host", **nodes})
    yield store
    store.close()


@pytest.fixture
def queue() -> Queue:
    return Queue()


@pytest.fixture
def leases(store: RecordStore) -> Leases:
    leases = Leases(store)
    leases.hold_grid(0, "holder", "ttp_0")
    return leases


@pytest.fixture
def announcer(store: RecordStore, queue: Queue) -> Announcer:
    return Announcer(store, queue)


@pytest.fixture
def dispatcher(store: RecordStore, leases: Leases, announcer: Announcer) -> QueueDispatcher:
    return QueueDispatcher(store, leases, announcer)


@pytest.fixture
def archivist(store: RecordStore, leases: Leases, announcer: Announcer) -> Archivist:
    return Archivist(store, leases, announcer)


@pytest.fixture
def watch(store: RecordStore, leases: Leases, announcer: Announcer) -> Watch:
    return Watch(store, leases, announcer, recount_seconds=0)


def accepted(store: RecordStore, stage: Stage) -> Job:
    keys = PROJECT if stage is Stage.PREPROCESS else RUN
    job = Job(stage, keys, {"auto_align": True})
    if stage is Stage.PREDICT:
        job = replace(job, keys={**RUN, "participant_id": "worker_1"}, parameters={"tags": [["new"]]})
    store.add_jobs([job])
    return job


def taken_up(leases: Leases) -> tuple[Job, int]:
    claim = leases.claim(0, "holder", "ttp_0").claim
    assert claim is not None
    return claim.job, claim.fence


def test_what_may_start_is_announced_with_what_the_original_reads(
    store: RecordStore, queue: Queue, dispatcher: QueueDispatcher
) -> None:
    job = accepted(store, Stage.TRAIN)

    [answered] = dispatcher.submit([job])

    [(name, message)] = queue.published
    assert (name, answered.state) == ("train", JobState.QUEUED)
    assert (message["process"], message["keys"]) == ("train", ["c", "p", "e", "r"])
    assert [[node["keys"]["participant_id"] for node in grid] for grid in message["grids"]] == [
        ["worker_1", "worker_2"]
    ] * 2
    assert [grid[0]["syft"]["port"] for grid in message["grids"]] == [8020, 8021]
    assert message["parameters"]["run"]["rounds"] == 2
    assert message["parameters"]["keys"] == RUN


def test_a_prediction_names_its_requester_and_leaves_the_grids_to_the_ttp(
    store: RecordStore, queue: Queue, dispatcher: QueueDispatcher
) -> None:
    dispatcher.submit([accepted(store, Stage.PREDICT)])
    [(name, message)] = queue.published
    assert (name, message["grids"]) == ("evaluate", [])
    parameters = message["parameters"]
    assert (parameters["participants"], parameters["metas"]) == (["worker_1"], ["predict"])
    assert parameters["tags"] == {"p": [["new"]]}


def test_what_must_wait_is_announced_when_that_is_over(
    store: RecordStore, queue: Queue, dispatcher: QueueDispatcher, leases: Leases, archivist: Archivist
) -> None:
    alignment, training = accepted(store, Stage.PREPROCESS), accepted(store, Stage.TRAIN)
    dispatcher.submit([alignment, training])
    assert queue.announced == [alignment.id]
    assert dispatcher.waits()[training.id]["waiting_for"] == alignment.id
    assert dispatcher.waits()[alignment.id]["reason"] == "0 of 1 sub-grids are busy"

    job, fence = taken_up(leases)
    error = JobError("Conflict", "no")
    outcome = Outcome(job, store.cluster_id(), fence, JobState.FAILED, error=error).to_dict()
    archivist.settle(outcome)
    archivist.settle(outcome)

    assert (store.job(alignment.id).state, store.job(alignment.id).error) == (JobState.FAILED, error)
    assert queue.announced == [alignment.id, training.id]


def test_outputs_that_are_none_end_the_job(store: RecordStore, leases: Leases, archivist: Archivist) -> None:
    job = accepted(store, Stage.PREPROCESS)
    started, fence = taken_up(leases)
    archivist.settle(Outcome(started, store.cluster_id(), fence, JobState.COMPLETED, {"nonsense": 1}).to_dict())
    ended = store.job(job.id)
    assert ended.state is JobState.FAILED
    assert ended.error is not None
    assert "could not be archived" in ended.error.message


def test_what_belongs_elsewhere_or_nowhere_is_said_so(store: RecordStore, archivist: Archivist) -> None:
    job = Job(Stage.TRAIN, RUN)
    with pytest.raises(NotOurs, match="elsewhere"):
        archivist.settle(Outcome(job, "elsewhere", 1, JobState.COMPLETED).to_dict())
    with pytest.raises(InvalidRequest, match="there is no such job"):
        archivist.settle(Outcome(job, store.cluster_id(), 1, JobState.COMPLETED).to_dict())
    with pytest.raises(InvalidRequest, match="fence"):
        archivist.settle({"process": "train"})


def test_what_could_not_be_announced_is_announced_later_and_once(
    store: RecordStore, queue: Queue, dispatcher: QueueDispatcher, watch: Watch
) -> None:
    queue.is_away = True
    job = accepted(store, Stage.TRAIN)
    dispatcher.submit([job])
    with pytest.raises(ConnectionError):
        watch.look()

    queue.is_away = False
    watch.look()
    watch.look()

    assert queue.announced == [job.id]


def test_what_brings_its_owners_down_is_given_up(store: RecordStore, watch: Watch) -> None:
    job = accepted(store, Stage.TRAIN)
    store.save_job(replace(job.started(), attempts=MAXIMUM_ATTEMPTS))
    watch.look()
    ended = store.job(job.id)
    assert ended.state is JobState.FAILED
    assert ended.error is not None
    assert "given up" in ended.error.message


def test_cancelling_frees_what_waited(store: RecordStore, queue: Queue, dispatcher: QueueDispatcher) -> None:
    alignment, training = accepted(store, Stage.PREPROCESS), accepted(store, Stage.TRAIN)
    dispatcher.submit([alignment, training])

    assert dispatcher.cancel(alignment.id).state is JobState.CANCELLED

    assert queue.announced == [alignment.id, training.id]
    with pytest.raises(Conflict, match="cancelled already"):
        dispatcher.cancel(alignment.id)


def test_a_running_job_is_asked_to_stop(store: RecordStore, leases: Leases, dispatcher: QueueDispatcher) -> None:
    job = accepted(store, Stage.TRAIN)
    taken_up(leases)
    assert dispatcher.cancel(job.id).state is JobState.RUNNING


def test_without_a_ttp_a_job_says_so(store: RecordStore, leases: Leases, dispatcher: QueueDispatcher) -> None:
    leases.leave_grid(0, "holder")
    job = accepted(store, Stage.TRAIN)
    dispatcher.submit([job])
    assert dispatcher.waits()[job.id] == {"position": 0, "reason": "no TTP is running"}
