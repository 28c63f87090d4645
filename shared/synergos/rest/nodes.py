"""Nodes: which of the registered workers this orchestrator reaches."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import ClassVar

from flask import Response

from synergos.domain.keys import RegistrationKey
from synergos.domain.reachability import Answered
from synergos.orchestration.nodes import Forbidden, Nodes, NodeView
from synergos.orchestration.watch import PATIENCE_SECONDS, Seen
from synergos.rest.api import Route
from synergos.rest.caller import caller
from synergos.rest.lists import Filter, described, wanted
from synergos.rest.resource import Resource

_FILTERS = dict.fromkeys(RegistrationKey.fields(), Filter("an id in the key of the registration"))
_FIELDS = (
    "kind",
    "key",
    "node",
    "host",
    "f_port",
    "port",
    "joined",
    "is_reachable",
    "problem",
    "forbidden",
    "command",
    "data",
)


def routes(nodes: Nodes) -> list[Route]:
    """The routes below ``/ttp``."""
    return [Route("Nodes", NodeCollection, nodes, ("/nodes",), "nodes", parameters=described(_FILTERS))]


class NodeCollection(Resource):
    """The registered nodes."""

    query_of: ClassVar[Mapping[str, Iterable[str] | None]] = {"GET": None}

    def __init__(self, api: object, nodes: Nodes) -> None:
        super().__init__(api)
        self.nodes = nodes

    def get(self) -> Response:
        """Say of each what answers at its two ports. Nobody is asked more than every ten seconds, nor waited for more than two."""
        list_of = wanted("nodes", _FILTERS, _FIELDS)
        who = caller()
        return list_of.answer_within(
            PATIENCE_SECONDS,
            lambda page, seconds: self.nodes.find(who, list_of.filters, page, seconds).map(_representation),
        )


def _representation(view: NodeView) -> dict[str, object]:
    return {
        "kind": "Node",
        "key": view.key.to_dict(),
        "node": f"node_{view.index}",
        "host": view.node.host,
        "f_port": None if view.node.joins else view.node.command_port,
        "port": None if view.node.joins else view.node.data_port,
        "joined": _joined(view) if view.node.joins else None,
        "is_reachable": view.is_reachable,
        "problem": view.problem,
        "forbidden": _forbidden(view.forbidden),
        "command": _port(view.command),
        "data": _port(view.data),
    }


def _forbidden(found: Forbidden | None) -> dict[str, object] | None:
    """What the owner of its data did not allow; None for nothing, as far as is known."""
    if found is None:
        return None
    at = None if found.at is None else found.at.isoformat(timespec="seconds")
    return {"reason": found.reason, "job": found.job, "at": at}


def _joined(view: NodeView) -> dict[str, object]:
    """Whether a worker that dials out has, and since when."""
    found = view.presence
    return {
        "is_connected": None if view.command is None else found is not None,
        "since": None if found is None or found.since is None else found.since.isoformat(timespec="seconds"),
        "waiting": 0 if found is None else found.waiting,
    }


def _port(seen: Seen | None) -> dict[str, object] | None:
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
        "fingerprint": told and told.fingerprint,
        "problems": None if told is None else dict(told.problems),
        "seconds": round(seen.seconds, 4),
        "clock_difference": None if (ahead := seen.clock_difference) is None else round(ahead, 3),
        "asked_at": seen.asked_at.isoformat(timespec="milliseconds"),
    }
