"""A cluster TTP's loop against a queue and a runner that do as they are told."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from real_grid import until
from synergos.domain.job import Job, JobState, Stage
from synergos.domain.messages import job_message
from synergos.errors import Conflict, WorkerUnreachable
from synergos.records import RecordStore
from synergos.records.leases import Leases
from synergos_ttp import job_loop
from synergos_ttp.control import Control
from synergos_ttp.job_loop import JobLoop, Retries

KEYS = {"collab_id": "c", "project_id": "p", "expt_id": "e", "run_id": "r"}
DEADLINE = 20.0


@dataclass
class Message:
    """A delivery that notes what became of it."""

    message: Mapping[str, Any]
    queue: str = "train"
    fate: list[str] = field(default_factory=list)

    def acknowledge(self) -> None:
        self.fate.append("acknowledged")

    def give_back(self) -> None:
        self.fate.append("given back")

    def park(self, reason: str) -> None:
        self.fate.append("parked")

    def bury(self, reason: str) -> None:
        self.fate.append(f"buried: {reason}")

    def forward(self, queue: str) -> None:
        self.fate.append(f"forwarded to {queue}")


class Queue:
    """Hands out what it is given, and keeps the outcomes."""

    def __init__(self) -> None:
        self.waiting: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        self.outcomes: list[Mapping[str, Any]] = []
        self.away = threading.Event()

    def take(self, timeout: float) -> Message | None:
        try:
            return self.waiting.get(timeout=min(timeout, 0.05))
        except queue.Empty:
            return None

    def queue_of(self, name: str, cluster: str) -> str:
        return f"{name}.{cluster}"

    def complete(self, outcome: Mapping[str, Any]) -> None:
        if self.away.is_set():
            raise ConnectionError
        self.outcomes.append(outcome)

    def close(self) -> None:
        self.waiting.put(None)


@dataclass
class Runner:
    """Does whatever a test says."""

    work: Callable[[Job, Control], dict[str, Any]] = lambda _job, _control: {"global": {"path": "x"}}
    forgotten: list[str] = field(default_factory=list)

    def run(self, job: Job, control: Control) -> dict[str, Any]:
        return self.work(job, control)

    def forget(self, job_id: str) -> None:
        self.forgotten.append(job_id)


@dataclass
class Ttp:
    """A loop, and everything around it."""

    store: RecordStore
    leases: Leases
    queue: Queue
    runner: Runner
    loop: JobLoop

    def hand_in(self) -> tuple[Job, Message]:
        job = Job(Stage.TRAIN, KEYS)
        self.store.add_jobs([job])
        message = Message(job_message(job, self.store.cluster_id(), [], {}))
        self.queue.waiting.put(message)
        return job, message

    def state(self, job: Job) -> JobState:
        return self.store.job(job.id).state


@pytest.fixture
def store(tmp_path: Path) -> Iterator[RecordStore]:
    store = RecordStore(f"sqlite:///{tmp_path / 'records.sqlite'}")
    yield store
    store.close()


@pytest.fixture
def ttp_for(store: RecordStore, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Runner], Ttp]]:
    # What is not announced is found when it is looked for; here only what is announced counts.
    monkeypatch.setattr(job_loop, "LOOK_SECONDS", 0.05)
    made: list[Ttp] = []

    def make(runner: Runner) -> Ttp:
        leases, queue = Leases(store, seconds=1.0), Queue()
        loop = JobLoop(store, leases, queue, runner, grid=0, ttp="ttp_0", retries=Retries(attempts=2, delay=0.05))
        made.append(Ttp(store, leases, queue, runner, loop))
        loop.start()
        return made[-1]

    yield make
    for ttp in made:
        ttp.loop.stop()
        ttp.loop.close()


def test_an_outcome_is_sent_before_the_message_is_acknowledged(ttp_for: Callable[[Runner], Ttp]) -> None:
    ttp = ttp_for(Runner())
    job, message = ttp.hand_in()
    until(lambda: message.fate == ["acknowledged"], "the job to be done", DEADLINE)

    [outcome] = ttp.queue.outcomes
    assert (outcome["job_id"], outcome["fence"], outcome["state"]) == (job.id, 1, "completed")
    assert outcome["outputs"] == {"global": {"path": "x"}}
    assert (ttp.state(job), ttp.runner.forgotten) == (JobState.ARCHIVING, [job.id])


def test_a_request_that_cannot_be_done_fails_at_once(ttp_for: Callable[[Runner], Ttp]) -> None:
    def refuse(_job: Job, _control: Control) -> dict[str, Any]:
        raise Conflict("not aligned")

    ttp = ttp_for(Runner(refuse))
    _job, message = ttp.hand_in()
    until(lambda: bool(message.fate), "the job to fail", DEADLINE)

    assert message.fate == ["buried: not aligned"]
    assert ttp.queue.outcomes[0]["error"]["kind"] == "Conflict"


def test_a_failure_that_may_pass_is_tried_again_and_given_up_in_the_end(ttp_for: Callable[[Runner], Ttp]) -> None:
    attempts: list[int] = []

    def fail(job: Job, _control: Control) -> dict[str, Any]:
        attempts.append(job.attempts)
        raise WorkerUnreachable("no answer", "worker_1")

    ttp = ttp_for(Runner(fail))
    job, message = ttp.hand_in()
    until(lambda: bool(ttp.queue.outcomes), "the job to be given up", DEADLINE)

    assert attempts == [1, 2]
    assert message.fate == ["acknowledged"]
    error = ttp.queue.outcomes[0]["error"]
    assert (error["kind"], error["participant"]) == ("WorkerUnreachable", "worker_1")
    assert ttp.store.job(job.id).progress["last_error"] == "worker_1: no answer"


def test_what_nobody_foresaw_stops_nothing(ttp_for: Callable[[Runner], Ttp]) -> None:
    def break_down(job: Job, _control: Control) -> dict[str, Any]:
        if job.attempts == 1:
            raise ZeroDivisionError
        return {}

    ttp = ttp_for(Runner(break_down))
    ttp.hand_in()
    until(lambda: bool(ttp.queue.outcomes), "the second attempt", DEADLINE)
    assert ttp.queue.outcomes[0]["state"] == "completed"


def work_until_stopped(_job: Job, control: Control) -> dict[str, Any]:
    until(lambda: control.is_stopped, "the job to be stopped", DEADLINE)
    control.check()
    return {}


def test_a_ttp_that_is_stopped_leaves_its_job_to_the_next(ttp_for: Callable[[Runner], Ttp]) -> None:
    ttp = ttp_for(Runner(work_until_stopped))
    job, message = ttp.hand_in()
    until(lambda: ttp.state(job) is JobState.RUNNING, "the job to run", DEADLINE)

    ttp.loop.stop()
    ttp.loop.close()

    assert (message.fate, ttp.state(job), ttp.queue.outcomes) == (["given back"], JobState.QUEUED, [])
    assert ttp.runner.forgotten == []
    assert ttp.leases.grids() == {}


def test_a_job_is_cancelled_by_its_record(ttp_for: Callable[[Runner], Ttp]) -> None:
    ttp = ttp_for(Runner(work_until_stopped))
    job, _message = ttp.hand_in()
    until(lambda: ttp.state(job) is JobState.RUNNING, "the job to run", DEADLINE)

    assert ttp.leases.cancel(job.id)

    until(lambda: bool(ttp.queue.outcomes), "the outcome", DEADLINE)
    assert ttp.queue.outcomes[0]["state"] == "cancelled"


def test_a_job_that_somebody_else_has_is_left_alone(ttp_for: Callable[[Runner], Ttp]) -> None:
    ttp = ttp_for(Runner(work_until_stopped))
    job, message = ttp.hand_in()
    until(lambda: ttp.state(job) is JobState.RUNNING, "the job to run", DEADLINE)

    ttp.store.save_job(ttp.store.job(job.id).ended(JobState.CANCELLED))

    until(lambda: message.fate == ["acknowledged"], "the job to be left", DEADLINE)
    assert (ttp.queue.outcomes, ttp.runner.forgotten) == ([], [])


def test_an_outcome_waits_for_a_broker_that_is_away(ttp_for: Callable[[Runner], Ttp]) -> None:
    ttp = ttp_for(Runner())
    ttp.queue.away.set()
    job, message = ttp.hand_in()
    until(lambda: ttp.state(job) is JobState.RUNNING, "the job to run", DEADLINE)
    assert message.fate == []

    ttp.queue.away.clear()

    until(lambda: message.fate == ["acknowledged"], "the outcome to be sent", DEADLINE)
    assert len(ttp.queue.outcomes) == 1


def test_what_is_not_for_this_ttp_is_passed_on(ttp_for: Callable[[Runner], Ttp]) -> None:
    ttp = ttp_for(Runner())
    foreign, no_job, nothing = (
        Message({"job_id": "x", "cluster": "elsewhere"}),
        Message({"project_id": "p"}),
        Message({"job_id": "ended long ago", "cluster": ttp.store.cluster_id()}),
    )
    for message in (foreign, no_job, nothing):
        ttp.queue.waiting.put(message)

    until(lambda: bool(nothing.fate), "all messages to be looked at", DEADLINE)
    assert (foreign.fate, no_job.fate) == (["forwarded to train.elsewhere"], ["parked"])
    assert nothing.fate == ["acknowledged"]
