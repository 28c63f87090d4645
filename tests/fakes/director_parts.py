"""A director's queue in memory, and the jobs and records that its parts are tried with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from factories.outputs import OUTPUTS
from synergos.domain.job import Job, Stage
from synergos.domain.job_options import JobOptions
from synergos.domain.keys import job_key
from synergos.domain.records import Kind
from synergos.errors import InvalidRequest
from synergos.records import RecordStore
from synergos.records.leases import Claim, Leases

PROJECT = {"collab_id": "c", "project_id": "p"}
RUN = {**PROJECT, "expt_id": "e", "run_id": "r"}
HOLDER = "holder"


@dataclass
class MemoryQueue:
    """Keeps what is published; can be away.

    Attributes:
        dead: the jobs that were given up, and why.
        largest: how long a message may be in Python's words.
        refusals: how often somebody found it away.
    """

    messages: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)
    dead: list[tuple[str, str]] = field(default_factory=list)
    is_away: bool = False
    largest: int | None = None
    refusals: int = 0

    def publish(self, queue: str, messages: Sequence[Mapping[str, Any]]) -> None:
        self._reach()
        if self.largest is not None and any(len(str(message)) > self.largest for message in messages):
            raise InvalidRequest("a message has too many bytes")
        self.messages.extend((queue, message) for message in messages)

    def dead_letter(self, message: Mapping[str, Any], reason: str) -> None:
        self._reach()
        self.dead.append((message["job_id"], reason))

    def waiting(self) -> dict[str, int]:
        self._reach()
        queues = [queue for queue, _ in self.messages]
        return {queue: queues.count(queue) for queue in queues}

    @property
    def published(self) -> list[tuple[str, str]]:
        """Queue and job of each message."""
        return [(queue, message["job_id"]) for queue, message in self.messages]

    def _reach(self) -> None:
        if self.is_away:
            self.refusals += 1
            raise ConnectionError("no broker")


class Anybody:
    """Believes everybody."""

    def check(self, body: bytes, headers: Mapping[str, object], holder: str) -> None:
        """Whatever was signed, and by whom."""


def declare(store: RecordStore) -> None:
    """One run of one project, whose two participants bring two nodes each."""
    with store.transaction():
        store.put(Kind.COLLABORATION, PROJECT, {})
        store.put(Kind.PROJECT, PROJECT, {"action": "classify"})
        store.put(Kind.EXPERIMENT, RUN, {"model": [{"l_type": "Linear"}]})
        store.put(Kind.RUN, RUN, {"rounds": 2})
        for who in ("worker_1", "worker_2"):
            nodes = {f"node_{index}": {"host": who, "port": 8020 + index, "f_port": 5000 + index} for index in range(2)}
            store.put(Kind.REGISTRATION, {**PROJECT, "participant_id": who}, {"n_count": 2, "role": "host", **nodes})


def accepted(store: RecordStore, stage: Stage, run: str = "r", **parameters: object) -> Job:
    """A job that was just handed in."""
    keys = PROJECT if stage is Stage.PREPROCESS else {**RUN, "run_id": run}
    job = Job(stage, job_key(keys), cast(JobOptions, parameters))
    store.add_jobs([job])
    return job


def taken_up(leases: Leases) -> Claim:
    """What the TTP of the first sub-grid does."""
    leases.grids.hold(0, HOLDER, "ttp_0")
    claim = leases.claim(0, HOLDER, "ttp_0", OUTPUTS).claim
    assert claim is not None
    return claim
