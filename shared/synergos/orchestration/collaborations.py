"""Collaborations: who works together, and where their logger, MLOps and queue are."""

from __future__ import annotations

from typing import Any

from synergos import bodies
from synergos.bodies.declarations import Collaboration
from synergos.domain.addresses import Places
from synergos.domain.records import Ids, Kind
from synergos.domain.tracking_server import TrackingServer
from synergos.errors import InvalidRequest
from synergos.orchestration.declarations import Declarations
from synergos.orchestration.shares import Shares
from synergos.records.store import RecordStore


class Collaborations(Declarations[Collaboration]):
    """The outermost records; everything but participants lies in one.

    Args:
        tracking_servers: those that one may name; None where nothing is written to any.
    """

    kind = Kind.COLLABORATION
    schema = bodies.COLLABORATION
    id_field = "collab_id"

    def __init__(self, store: RecordStore, shares: Shares, tracking_servers: Places | None = None) -> None:
        super().__init__(store, shares)
        self._tracking_servers = tracking_servers

    def checked(self, declared: Collaboration, payload: dict[str, Any], ids: Ids) -> dict[str, Any]:
        """Refuse a tracking server that nobody has allowed: what is told of trainings, and their models, would go there."""
        server = TrackingServer.of(payload)
        if server is None or self._tracking_servers is None or self._tracking_servers.have(server.host, server.port):
            return payload
        raise InvalidRequest(
            f"{server.host[:80]!r}, port {server.port}, is not a tracking server that this orchestrator may write to; expected one that "
            "it was given by --allow_mlops",
            "mlops.host",
        )
