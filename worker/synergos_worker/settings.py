"""What a worker can be told: its folders, its limits, and what it computes on."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from synergos_worker.disclosure.policy import STRICT, Policy
from synergos_worker.memory import MemoryLimits
from synergos_worker.policy.limits import USUAL, OwnerLimits


@dataclass(frozen=True)
class Settings:
    """Everything a worker is told when it starts.

    Attributes:
        data: the root of the participant's datasets; only read.
        outputs: where predictions are written.
        port: of commands.
        data_port: of model weights.
        session_timeout: seconds after which a session nobody talks to ends by itself.
        maximum_body: bytes of a request on the command port.
        device: of torch, for all computing.
        digest_key: the file that holds what digests of datasets are keyed with; one in ``outputs`` unless it is said.
        policy: what may leave of rows whose folder has no limits of its own.
        limits: what an orchestrator may ask.
        memory: of sessions; those of the machine unless they are said.
        keep_predictions: how long predictions stay that were written; None for ever.
        has_metrics: whether they can be read.
        tables: how many tables stay in memory between requests; open sessions hold theirs besides.
        preparations: how many preparations are remembered.
    """

    data: Path
    outputs: Path
    component_id: str = "worker"
    port: int = 5000
    data_port: int = 8020
    session_timeout: float = 3600.0
    maximum_body: int = 8 * 2**20
    device: str = "cpu"
    digest_key: Path | None = None
    policy: Policy = STRICT
    limits: OwnerLimits = USUAL
    memory: MemoryLimits = field(default_factory=MemoryLimits.of_machine)
    keep_predictions: timedelta | None = None
    has_metrics: bool = True
    tables: int = 12
    preparations: int = 100
