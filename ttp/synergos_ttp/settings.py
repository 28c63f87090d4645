"""What a TTP is told when it starts."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from synergos.domain.quotas import Quotas
from synergos.learning.shares import LARGEST_SHARE
from synergos.program.destination_flags import NO_SERVERS
from synergos.program.destinations import Destinations
from synergos.program.program import ProgramSettings
from synergos_ttp.stages.jobs import KEEP_VERSIONS
from synergos_ttp.workers.limits import Limits
from synmanager.rabbitmq import Broker


@dataclass(frozen=True)
class ClusterSettings:
    """A TTP's place in a cluster.

    Attributes:
        grid: which node of every participant makes up its sub-grid.
    """

    grid: int
    queue: Broker


@dataclass(frozen=True)
class Settings:
    """Everything a TTP is told.

    Attributes:
        database: SQLAlchemy URL of the record store; in a cluster the director's too.
        outputs: folder of trained models; in a cluster shared by the TTPs: one trains, another validates.
        mlflow: folder of the local MLflow store, for collaborations that name no server of their own.
        tracking_servers: those that collaborations may name.
        keep_versions: how many of a run's trainings before the newest stay.
        keep_rounds: how long rounds stay that a kill has left; None to leave them alone.
        quotas: how much each collaboration may have; without effect in a cluster, whose director is told.
        largest_share: of a training's rows, that one participant counts for at most.
        cluster: None for a basic TTP.
    """

    program: ProgramSettings
    database: str
    outputs: Path
    mlflow: Path
    limits: Limits = field(default_factory=Limits)
    tracking_servers: Destinations = NO_SERVERS
    keep_versions: int = KEEP_VERSIONS
    keep_rounds: timedelta | None = None
    quotas: Quotas = field(default_factory=Quotas)
    largest_share: float = LARGEST_SHARE
    cluster: ClusterSettings | None = None
