"""What an orchestrator computes with: its TTPs, what each does, and how the queues of a cluster stand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from synergos_portal.orchestrator.client import Client, as_kind
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


def read(client: Client) -> Grids:
    """What there is."""
    answer = client.answer("GET", "grids")
    return Grids(as_kind(list[Grid], answer.get("data")), as_kind(Broker | None, answer.get("broker")))  # type: ignore[arg-type]
