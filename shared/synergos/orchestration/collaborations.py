"""Collaborations: who works together, and where their logger, MLOps and queue are."""

from __future__ import annotations

from dataclasses import replace

from synergos import bodies
from synergos.bodies.declarations import Collaboration
from synergos.domain.addresses import Places
from synergos.domain.damage import DamagedPayload
from synergos.domain.records import Ids, Kind, Record, payload_of
from synergos.domain.tracking_server import TrackingServer
from synergos.errors import InvalidRequest
from synergos.orchestration.access import Access
from synergos.orchestration.caller import Caller
from synergos.orchestration.declarations import Declarations
from synergos.orchestration.shares import Shares
from synergos.orchestration.view import Relations, View
from synergos.records.store import RecordStore


class Collaborations(Declarations[Collaboration]):
    """The outermost records; everything but participants lies in one.

    Args:
        tracking_servers: those that one may name; None where nothing is written to any.
    """

    kind = Kind.COLLABORATION
    schema = bodies.COLLABORATION
    id_field = "collab_id"

    def __init__(
        self,
        store: RecordStore,
        shares: Shares,
        tracking_servers: Places | None = None,
        access: Access | None = None,
    ) -> None:
        super().__init__(store, shares, access)
        self._tracking_servers = tracking_servers

    def read(self, caller: Caller, ids: Ids, relations: Relations = Relations.FULL) -> View:
        """One collaboration; a tracking server of before that nobody allows any more is told of.

        Raises:
            RecordNotFound: there is none.
        """
        view = super().read(caller, ids, relations)
        server = _server_of(view.record)
        if server is None or self._may_name(server):
            return view
        found = f"mlops: {_shown(server)}, is not allowed by --allow_mlops (any more); nothing is written to it"
        return replace(view, warnings=(*view.warnings, found))

    def checked(self, declared: Collaboration, payload: dict[str, object], ids: Ids) -> dict[str, object]:
        """Refuse a tracking server that nobody has allowed: what is told of trainings, and their models, would go there.

        One that is named already stays named, whatever else of its collaboration changes; nothing goes there either.
        """
        server, before = TrackingServer.of(payload), _server_of(self._stored(ids))
        is_new = before is None or server is None or (server.host, server.port) != (before.host, before.port)
        if server is None or self._may_name(server) or not is_new:
            return payload
        raise InvalidRequest(
            f"{_shown(server)}, is not a tracking server that this orchestrator may write to; expected one that it was given by --allow_mlops",
            "mlops.host",
        )

    def _may_name(self, server: TrackingServer) -> bool:
        return self._tracking_servers is None or self._tracking_servers.have(server.host, server.port)


def _server_of(record: Record | None) -> TrackingServer | None:
    if record is None or isinstance(record, DamagedPayload):
        return None
    return TrackingServer.of(payload_of(record))


def _shown(server: TrackingServer) -> str:
    return f"{server.host[:80]!r}, port {server.port}"
