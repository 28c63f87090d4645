"""An owner who has something to decide before a job goes on, and a runner whose jobs wait for that."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from synergos.domain.job import Job
from synergos.domain.job_progress import AwaitedWorker
from synergos.domain.outputs import Outputs
from synergos.errors import SynergosError, WorkerAwaitsApproval
from synergos_ttp.control import Control
from synergos_ttp.holds import Hold, JobHeld
from synergos_ttp.running.holding import PutBack


@dataclass
class Owner:
    """Of one participant's worker.

    Attributes:
        has_decided: set by the test.
        asked: how often somebody wanted to know.
        error: what its worker says instead.
    """

    participant: str = "worker_1"
    has_decided: threading.Event = field(default_factory=threading.Event)
    asked: int = 0
    error: SynergosError | None = None

    def ask(self, check: Callable[[], None]) -> None:
        """What a worker answers."""
        check()
        self.asked += 1
        if self.error is not None:
            raise self.error
        if not self.has_decided.is_set():
            raise WorkerAwaitsApproval("approve with: synergos peer approve", self.participant)

    def hold(self, seconds: float = 3600.0) -> Hold:
        """What a job is held by."""
        now = datetime.now(UTC)
        reason = f"{self.participant}: approve with: synergos peer approve"
        return Hold(self.participant, now, now + timedelta(seconds=seconds), "its session", reason, self.ask)


@dataclass
class PutBackSomewhere:
    """Where a job is that was put back."""

    is_there: bool = True
    noted: list[Sequence[AwaitedWorker]] = field(default_factory=list)
    went_on: list[Sequence[AwaitedWorker]] = field(default_factory=list)

    @property
    def place(self) -> PutBack:
        """As it is given to who asks."""
        return PutBack(self.still, self.go_on)

    def still(self, waits: Sequence[AwaitedWorker]) -> bool:
        self.noted.append(waits)
        return self.is_there

    def go_on(self, left: Sequence[AwaitedWorker]) -> None:
        self.went_on.append(left)


def held_by(
    owners: Callable[[Job], Sequence[Owner]], outputs: Callable[[Job], Outputs]
) -> Callable[[Job, Control], Outputs]:
    """Work that is held as long as one of a job's owners has not decided."""

    def work(job: Job, control: Control) -> Outputs:
        control.check()
        if holds := [owner.hold() for owner in owners(job) if not owner.has_decided.is_set()]:
            raise JobHeld(holds)
        return outputs(job)

    return work
