"""Grids: node i of every participant together forms sub-grid i."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from synergos.errors import Conflict, DamagedRecord


@dataclass(frozen=True)
class Node:
    """One worker of one participant, as the orchestrator reaches it.

    Attributes:
        host: name or address, of IPv6 without brackets.
        command_port: where its REST interface listens (``f_port`` in a registration).
        data_port: where model weights travel (``port`` in a registration).
    """

    participant_id: str
    host: str
    command_port: int
    data_port: int


def node_of(registration: Mapping[str, Any], index: int) -> Node:
    """Node ``index`` of one participant's registration record."""
    node = registration[f"node_{index}"]
    return Node(
        participant_id=registration["key"]["participant_id"],
        host=node["host"].strip("[]"),
        command_port=node["f_port"],
        data_port=node["port"],
    )


def nodes_of(registration: Mapping[str, Any]) -> list[Node]:
    """All nodes of one participant's registration record; none of one that is damaged."""
    try:
        return [node_of(registration, index) for index in range(registration["n_count"])]
    except (TypeError, LookupError, AttributeError, DamagedRecord):
        return []


def sub_grid(registrations: Sequence[Mapping[str, Any]], index: int) -> list[Node]:
    """The nodes of sub-grid ``index``, one per participant, in order of registration.

    Raises:
        Conflict: somebody registered too few nodes.
    """
    short = [r["key"]["participant_id"] for r in registrations if r["n_count"] <= index]
    if short:
        raise Conflict(f"grid {index} does not exist: {', '.join(short)} registered fewer than {index + 1} nodes")
    return [node_of(registration, index) for registration in registrations]
