"""A cluster TTP's loop with a queue and a runner that do as they are told."""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy.exc import OperationalError

from factories.outputs import trained
from support.waiting import until
from synergos.domain.job import Job, JobState, Stage
from synergos.domain.keys import job_key
from synergos.domain.messages import job_message
from synergos.domain.outputs import Outputs
from synergos.errors import InvalidRequest
from synergos.records import RecordStore
from synergos.records.grid_leases import GridLeases
from synergos.records.leases import Leases
from synergos_ttp.control import Control
from synergos_ttp.running.job_loop import JobLoop
from synergos_ttp.running.leased_jobs import LeasedJobs

KEYS = {"collab_id": "c", "project_id": "p", "expt_id": "e", "run_id": "r"}
DEADLINE = 100.0
"""Seconds: only a mistake takes so long, also on a busy machine; and it is found before the test's own time is over."""
HOLDER = "a" * 64


@dataclass(kw_only=True)
class Noted:
    """A delivery that notes what became of it."""

    queue: str = "train"
    headers: Mapping[str, Any] = field(default_factory=dict)
    redelivered: bool = False
    fate: list[str] = field(default_factory=list)

    def acknowledge(self) -> None:
        self.fate.append("acknowledged")

    def give_back(self) -> None:
        self.fate.append("given back")

    def quarantine(self, reason: str) -> None:
        self.fate.append("parked")

    def forward(self, queue: str) -> None:
        self.fate.append(f"forwarded to {queue}")


@dataclass
class Message(Noted):
    """One of an object."""

    message: Mapping[str, Any]

    @property
    def body(self) -> bytes:
        return json.dumps(self.message).encode()


class Anybody:
    """Believes everybody."""

    own = HOLDER

    def check(self, body: bytes, headers: Mapping[str, object], queue: str) -> str:
        return uuid4().hex


class Queue:
    """Hands out what it is given, and keeps the outcomes and the ids of jobs that were given up, with the reasons.

    Before the first message nobody gets away from it to look for work: a job would be found before it is announced.
    """

    def __init__(self) -> None:
        self.waiting: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        self.outcomes: list[Mapping[str, Any]] = []
        self.dead: list[tuple[str, str]] = []
        self.away = threading.Event()
        self.is_too_large = False
        self.is_closed = False
        self.may_declare = True
        self.has_begun = False

    def take(self, timeout: float) -> Message | None:
        try:
            return self.waiting.get(timeout=min(timeout, 0.05) if self.has_begun else None)
        except queue.Empty:
            return None
        finally:
            self.has_begun = True

    def queue_of(self, name: str, cluster: str) -> str | None:
        if self.away.is_set():
            raise ConnectionError
        return f"{name}.{cluster}" if self.may_declare else None

    def complete(self, outcome: Mapping[str, Any]) -> None:
        if self.away.is_set():
            raise ConnectionError
        if self.is_too_large and outcome["outputs"]:
            raise InvalidRequest("a message has too many bytes", "outputs")
        self.outcomes.append(outcome)

    def dead_letter(self, message: Mapping[str, Any], reason: str) -> None:
        if self.away.is_set():
            raise ConnectionError
        self.dead.append((message["job_id"], reason))

    def stop(self) -> None:
        self.waiting.put(None)

    def close(self) -> None:
        self.is_closed = True


@dataclass
class Runner:
    """Does whatever a test says."""

    work: Callable[[Job, Control], Outputs] = lambda _job, _control: trained()
    forgotten: list[str] = field(default_factory=list)
    looked_for: int = 0

    def run(self, job: Job, control: Control) -> Outputs:
        return self.work(job, control)

    def forget(self, job_id: str) -> None:
        self.forgotten.append(job_id)

    def kept(self) -> list[str]:
        self.looked_for += 1
        return []


class MoodyLeases(Leases):
    """Leases of a record store that cannot be reached when it comes to one thing. They are renewed as often as ``seconds`` says.

    Attributes:
        fails: the name of the method that fails.
        lasts: how long a lease is good for in truth; a machine that stands still between two renewals is to cost nobody its own.
    """

    fails: str | None = None
    lasts = timedelta(hours=1)

    def __init__(self, store: RecordStore, seconds: float) -> None:
        super().__init__(store, seconds)
        self.grids = GridLeases(store, self.lasts.total_seconds())

    def _end(self, now: datetime) -> datetime:
        return now + self.lasts

    def __getattribute__(self, name: str) -> Any:
        if name != "fails" and name == self.fails:
            raise OperationalError("", None, ConnectionError())
        return super().__getattribute__(name)


@dataclass
class Ttp:
    """A loop, and everything around it."""

    store: RecordStore
    leases: MoodyLeases
    queue: Queue
    runner: Runner
    jobs: LeasedJobs
    loop: JobLoop

    def start(self) -> None:
        self.jobs.start()
        self.loop.start()

    def stop(self) -> None:
        self.loop.stop()
        self.jobs.stop()

    def close(self) -> None:
        self.loop.close()
        self.jobs.close()

    def hand_in(self, run_id: str = KEYS["run_id"], priority: int = 0) -> tuple[Job, Message]:
        job = Job(Stage.TRAIN, job_key({**KEYS, "run_id": run_id}), {"priority": priority})
        self.store.add_jobs([job])
        message = Message(job_message(job, self.store.cluster_id(), [], {}))
        self.queue.waiting.put(message)
        return job, message

    def state(self, job: Job) -> JobState:
        return self.store.job(job.id).state


def work_until_stopped(_job: Job, control: Control) -> Outputs:
    """What a runner does that never ends by itself."""
    until(lambda: control.is_stopped, "the job to be stopped", DEADLINE)
    control.check()
    return trained()
