"""What a director is told when it starts."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from synergos.accounts.flags import Auth
from synergos.domain.quotas import Quotas
from synergos.ledger.place import LedgerPlace
from synergos.program.destination_flags import NO_SERVERS
from synergos.program.destinations import ANY_NODE, Destinations
from synergos.program.program import ProgramSettings
from synmanager.rabbitmq import Broker


@dataclass(frozen=True)
class Settings:
    """Everything a director is told.

    Attributes:
        database: SQLAlchemy URL of the record store, which the cluster's TTPs share.
        outputs: folder of the pictures of studies, beside the trained models.
        nodes: where registered workers may be.
        tracking_servers: those that collaborations may name.
        quotas: how much each collaboration may have.
        auth: whether whoever asks needs an account.
        identity: the file of the director's identity; one in ``outputs`` unless it is said.
        ledger: where its ledger is kept; in ``outputs`` unless it is said.
    """

    program: ProgramSettings
    database: str
    outputs: Path
    queue: Broker
    nodes: Destinations = ANY_NODE
    tracking_servers: Destinations = NO_SERVERS
    quotas: Quotas = field(default_factory=Quotas)
    auth: Auth = field(default_factory=Auth)
    identity: Path | None = None
    ledger: LedgerPlace | None = None
