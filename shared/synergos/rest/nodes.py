"""Nodes: which of the registered workers this orchestrator reaches."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from flask import Response, request

from synergos.domain.identifiers import check_identifier
from synergos.domain.keys import RegistrationKey
from synergos.domain.reachability import Answered
from synergos.orchestration.nodes import Nodes, NodeView
from synergos.orchestration.watch import Seen
from synergos.rest.api import Route
from synergos.rest.caller import caller
from synergos.rest.envelope import success
from synergos.rest.resource import Resource

_PARAMETERS = dict.fromkeys(RegistrationKey.fields(), "an id in the key of the registration")


def routes(nodes: Nodes) -> list[Route]:
    """The routes below ``/ttp``."""
    return [Route("Nodes", NodeCollection, nodes, ("/nodes",), "nodes", parameters=_PARAMETERS)]


class NodeCollection(Resource):
    """The registered nodes."""

    query_of: ClassVar[Mapping[str, Iterable[str] | None]] = {"GET": tuple(_PARAMETERS)}

    def __init__(self, api: object, nodes: Nodes) -> None:
        super().__init__(api)
        self.nodes = nodes

    def get(self) -> Response:
        """Say of each what answers at its two ports. Nobody is asked more than every ten seconds, nor waited for more than two."""
        ids = {name: check_identifier(value, name) for name, value in request.args.items()}
        return success("nodes.get", [_representation(view) for view in self.nodes.find(caller(), ids)])


def _representation(view: NodeView) -> dict[str, Any]:
    return {
        "kind": "Node",
        "key": view.key.to_dict(),
        "node": f"node_{view.index}",
        "host": view.node.host,
        "f_port": view.node.command_port,
        "port": view.node.data_port,
        "is_reachable": view.is_reachable,
        "problem": view.problem,
        "command": _port(view.command),
        "data": _port(view.data),
    }


def _port(seen: Seen | None) -> dict[str, Any] | None:
    """What was found at a port; None while nobody knows yet."""
    if seen is None:
        return None
    told = seen.answer if isinstance(seen.answer, Answered) else None
    return {
        "answers": told is not None,
        "reason": None if isinstance(seen.answer, Answered) else seen.answer.reason,
        "component": told and told.component,
        "id": told and told.component_id,
        "version": told and told.version,
        "seconds": round(seen.seconds, 4),
        "clock_difference": None if (ahead := seen.clock_difference) is None else round(ahead, 3),
        "asked_at": seen.asked_at.isoformat(timespec="milliseconds"),
    }
