"""What an orchestrator computes with: its TTPs, what each does, how the queues of a cluster stand, and the workers that are registered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from synergos_portal.orchestrator.client import Client, Listing, Query, as_kind
from synergos_portal.orchestrator.jobs import Job


@dataclass(frozen=True)
class Grid:
    """A TTP.

    Attributes:
        grid: its sub-grid; None where there is but one grid.
        job: None where it has none, or that is not told.
        joined: how many workers have dialled out to it; None where that is not known.
    """

    ttp: str
    is_busy: bool
    grid: int | None = None
    job: Job | None = None
    joined: int | None = None


@dataclass(frozen=True)
class Queue:
    """How a queue stands."""

    messages: int
    consumers: int


@dataclass(frozen=True)
class Broker:
    """What hands jobs to the TTPs of a cluster."""

    is_reachable: bool
    queues: Mapping[str, Queue] = field(default_factory=dict)


@dataclass(frozen=True)
class Grids:
    """All of it; without a broker where there is no cluster."""

    items: Sequence[Grid]
    broker: Broker | None


@dataclass(frozen=True)
class Node:
    """A registered worker, and whether it can be reached.

    Attributes:
        node: ``node_0`` is of sub-grid 0.
        is_reachable: None while nobody knows.
        data: what its data port has answered, as ``command``.
    """

    node: str
    host: str | None
    is_reachable: bool | None
    problem: str | None
    key: Mapping[str, str]
    data: Mapping[str, object] | None = None
    command: Mapping[str, object] | None = None
    f_port: int | None = None
    port: int | None = None

    @property
    def worker(self) -> tuple[str | None, int | None, int | None]:
        """What tells it from other workers, whichever projects it is registered for."""
        return self.host, self.f_port, self.port

    @property
    def address(self) -> str | None:
        """Where it is asked; of one that dials out, its fingerprint."""
        return f"{self.host}:{self.f_port}" if self.host and self.f_port else self.host

    @property
    def participant(self) -> str | None:
        """Whose it is."""
        return self.key.get("participant_id")

    @property
    def grid(self) -> int:
        """Of which sub-grid it is."""
        number = self.node.rpartition("_")[2]
        return int(number) if number.isdecimal() else 0

    @property
    def version(self) -> str | None:
        """Of its program."""
        return str(self.data["version"]) if self.data and self.data.get("version") else None

    @property
    def asked_at(self) -> str | None:
        """When it was asked."""
        return str(self.data["asked_at"]) if self.data and "asked_at" in self.data else None


def read(client: Client) -> Grids:
    """What there is."""
    answer = client.answer("GET", "grids")
    return Grids(as_kind(list[Grid], answer.get("data")), as_kind(Broker | None, answer.get("broker")))  # type: ignore[arg-type]


def nodes(client: Client, keys: Mapping[str, str], participant: str | None) -> Sequence[Node]:
    """The registered workers of a project, or one participant's of them."""
    ids = {name: keys[name] for name in ("collab_id", "project_id") if name in keys}
    return client.records(Node, "nodes", query={**ids, "participant_id": participant}).items


def nodes_listed(client: Client, query: Query) -> Listing[Node]:
    """A page of all registered workers."""
    return client.records(Node, "nodes", query=query)


def by_sub_grid(client: Client, keys: Mapping[str, str]) -> dict[int, list[Node]]:
    """The workers of a project by their sub-grids; it takes two seconds where one does not answer."""
    found: dict[int, list[Node]] = {}
    for node in nodes(client, keys, None):
        found.setdefault(node.grid, []).append(node)
    return dict(sorted(found.items()))
