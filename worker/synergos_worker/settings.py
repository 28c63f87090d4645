"""What a worker can be told: its folders, its limits, and what it computes on."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from synergos.domain.catalogue import Extent
from synergos.identity.trust import ANY, Trust
from synergos.permission.judging import Unlisted
from synergos.tls.secured import Secured
from synergos_worker.disclosure.policy import STRICT, Policy
from synergos_worker.joining.rendezvous import Meeting
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
        trust: which orchestrators may use it, before its owner decides of any; the program always says, nobody unless it is told.
        participant: whose worker it is, and nobody else's where not everybody is trusted; ``component_id`` unless it is said.
        identity: the file of the worker's identity; one in ``outputs`` unless it is said.
        tls: how its ports speak TLS; None for plain HTTP.
        meeting: the rendezvous that it dials, and listens nowhere; None where it listens.
        unlisted: what holds for folders without a permission file; nobody may use them unless it is said, or everybody is trusted.
        approve_models: whether its owner is to approve of what is computed before it is.
        catalogue: the most that is published of any folder.
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
    trust: Trust = ANY
    participant: str | None = None
    identity: Path | None = None
    tls: Secured | None = None
    meeting: Meeting | None = None
    unlisted: Unlisted | None = None
    approve_models: bool = False
    catalogue: Extent = Extent.OFF
    tables: int = 12
    preparations: int = 100

    @property
    def default_permission(self) -> Unlisted:
        """What holds for folders without a permission file."""
        if self.unlisted is not None:
            return self.unlisted
        return Unlisted.ALLOW if self.trust.is_open else Unlisted.DENY
