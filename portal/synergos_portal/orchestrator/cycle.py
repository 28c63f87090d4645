"""How far a project is: who takes part with what, and what has come of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from synergos_portal.orchestrator.client import Client, Query
from synergos_portal.orchestrator.declared import Spot
from synergos_portal.orchestrator.problems import Refused

_WHO_ALONE: Query = {"relations": "none", "fields": "role"}
_PURPOSES = ("train", "evaluate", "predict")


@dataclass(frozen=True)
class Member:
    """A participant of a project.

    Attributes:
        project: the id of the project.
        nodes: where its workers are, in words.
        tags: how many datasets it brings, by purpose.
    """

    id: str
    project: str
    role: str
    nodes: Sequence[str]
    tags: Mapping[str, int]


@dataclass(frozen=True)
class Cycle:
    """What there is of a project.

    Attributes:
        has_alignment: whether participants have agreed on inputs, and nothing has undone that.
        experiments: how many; ``runs``, ``models`` and ``validated`` alike.
    """

    members: Sequence[Member]
    has_alignment: bool
    experiments: int
    runs: int
    models: int
    validated: int

    @property
    def training(self) -> int:
        """How many participants bring rows to train on."""
        return sum(bool(member.tags.get("train")) for member in self.members)


def read(client: Client, project: Spot, counts: Mapping[str, int]) -> Cycle:
    """How far a project is.

    Args:
        counts: how many records of each kind hang under it.
    """
    return Cycle(
        members=members(client, project),
        has_alignment=is_aligned(client, project),
        experiments=counts.get("Experiment", 0),
        runs=counts.get("Run", 0),
        models=counts.get("Model", 0),
        validated=counts.get("Validation", 0),
    )


def members(client: Client, spot: Spot) -> list[Member]:
    """The participants of a project with what they bring, or of a collaboration without; nobody where nobody may know them."""
    query: Query = {} if len(spot.ids) > 1 else _WHO_ALONE
    try:
        found = client.records(dict[str, Any], *spot.parts, "registrations", query=query)
    except Refused as error:
        if error.status in (HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND):
            return []
        raise
    return [_member(each) for each in found.items]


def results(client: Client, *parts: str, query: Mapping[str, str | int | None]) -> list[dict[str, Any]]:
    """Results of a stage; none where there are none yet, or nobody may know them."""
    try:
        return list(client.records(dict[str, Any], *parts, query=query).items)
    except Refused as error:
        if error.status in (HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND):
            return []
        raise


def is_aligned(client: Client, project: Spot) -> bool:
    """Whether participants have agreed on inputs, and nothing has undone that."""
    return bool(results(client, "train", *project.project, "alignments", query={"limit": 1, "fields": "doc_id"}))


def _member(record: Mapping[str, Any]) -> Member:
    key, relations = record.get("key") or {}, record.get("relations") or {}
    nodes = [value for name, value in sorted(record.items()) if name.startswith("node_") and isinstance(value, dict)]
    tags = [each for each in relations.get("Tag") or [] if isinstance(each, dict)]
    return Member(
        str(key.get("participant_id")),
        str(key.get("project_id")),
        str(record.get("role") or ""),
        [_node(node) for node in nodes],
        {purpose: sum(len(tag.get(purpose) or []) for tag in tags) for purpose in _PURPOSES},
    )


def _node(node: Mapping[str, Any]) -> str:
    if "host" in node:
        return f"{node['host']}:{node.get('f_port')}"
    return str(node.get("fingerprint") or "")[:12]
