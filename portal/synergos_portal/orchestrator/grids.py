"""What an orchestrator computes with: its TTPs, what each does, and how the queues of a cluster stand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from synergos_portal.orchestrator.client import Client
from synergos_portal.orchestrator.problems import Nonsense


@dataclass(frozen=True)
class RunningJob:
    """The job that a TTP has in hand."""

    id: str
    stage: str | None = None
    keys: Mapping[str, str] = field(default_factory=dict)
    started_at: str | None = None

    @property
    def about(self) -> str:
        """What it works on."""
        return " / ".join(self.keys.values())


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
    job: RunningJob | None = None
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
    try:
        items = msgspec.convert(answer.get("data"), list[Grid], strict=False)
        broker = msgspec.convert(answer.get("broker"), Broker | None, strict=False)
    except msgspec.ValidationError as error:
        raise Nonsense(f"the orchestrator's answer is not what was expected: {error}") from error
    return Grids(items, broker)
