"""What a TTP is told when it starts."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from synergos.accounts.flags import Auth
from synergos.domain.quotas import Quotas
from synergos.learning.shares import LARGEST_SHARE
from synergos.ledger.place import LedgerPlace
from synergos.program.destination_flags import NO_SERVERS
from synergos.program.destinations import Destinations
from synergos.program.program import ProgramSettings
from synergos.tls.files import TlsFiles
from synergos_ttp.stages.jobs import KEEP_VERSIONS
from synergos_ttp.subscribers.participant_metrics import PARTICIPANTS
from synergos_ttp.tracking.login import TrackingLogin
from synergos_ttp.tracking.note_spool import CAPACITY
from synergos_ttp.workers.limits import Limits
from synergos_ttp.workers.sealing import Sealed
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
        tracking_login: by which those let this TTP in; None where they ask nobody.
        tracking_tls: who vouches for them, and what they are shown; None for whom the system believes.
        tracking_spool: bytes of notes and files that may wait for them.
        keep_versions: how many of a run's trainings before the newest stay.
        keep_rounds: how long rounds stay that a kill has left; None to leave them alone.
        quotas: how much each collaboration may have; without effect in a cluster, whose director is told.
        auth: whether whoever asks needs an account.
        largest_share: of a training's rows, that one participant counts for at most.
        told_apart: so many participants have metrics of their own; their workers are asked now and then whether they are there.
        identity: the file of the TTP's identity; one in ``outputs`` unless it is said.
        ledger: where its ledger is kept; in ``outputs`` unless it is said.
        sealed: which workers are asked by a channel.
        rendezvous_port: where workers arrive that dial out; None where none can.
        cluster: None for a basic TTP.
    """

    program: ProgramSettings
    database: str
    outputs: Path
    mlflow: Path
    limits: Limits = field(default_factory=Limits)
    tracking_servers: Destinations = NO_SERVERS
    tracking_login: TrackingLogin | None = None
    tracking_tls: TlsFiles | None = None
    tracking_spool: int = CAPACITY
    keep_versions: int = KEEP_VERSIONS
    keep_rounds: timedelta | None = None
    quotas: Quotas = field(default_factory=Quotas)
    auth: Auth = field(default_factory=Auth)
    largest_share: float = LARGEST_SHARE
    told_apart: int = PARTICIPANTS
    identity: Path | None = None
    ledger: LedgerPlace | None = None
    sealed: Sealed = Sealed.ON
    rendezvous_port: int | None = None
    cluster: ClusterSettings | None = None
