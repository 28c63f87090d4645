"""The lineage of a run's model, as pages show it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from synergos_portal.orchestrator.client import Client
from synergos_portal.orchestrator.declared import Spot


@dataclass(frozen=True)
class RunKey:
    """Which run."""

    collab_id: str
    project_id: str
    expt_id: str
    run_id: str


@dataclass(frozen=True)
class Node:
    """One part of it.

    Attributes:
        about: what is known of it, as it was when the model was trained.
        changes: what has changed since, in sentences.
    """

    id: str
    kind: str
    title: str
    participant_id: str | None = None
    about: Mapping[str, Any] = field(default_factory=dict)
    changes: tuple[str, ...] = ()


class Edge(msgspec.Struct, frozen=True, kw_only=True, rename={"before": "from", "after": "to"}):
    """From what something was made, to what was made of it."""

    before: str
    after: str


@dataclass(frozen=True)
class Change:
    """One sentence, and the part it is about."""

    node: str
    text: str


@dataclass(frozen=True)
class Lineage:
    """All of it.

    Attributes:
        state: ``untrained``, ``current`` or ``changed``.
    """

    key: RunKey
    state: str
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    changes: tuple[Change, ...]


def of_run(client: Client, run: Spot, *, version: str | None = None) -> Lineage:
    """The lineage of a run.

    Args:
        version: the number of one of its trainings; the newest without it.

    Raises:
        Refused: there is no such run or training.
    """
    return client.record(Lineage, "lineage", *run.ids, query={"version": version})
