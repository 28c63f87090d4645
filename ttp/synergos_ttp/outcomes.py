"""How an attempt at a job can end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from synergos.domain.job import JobError
from synergos.domain.outputs import Outputs
from synergos_ttp.holds import Hold


@dataclass(frozen=True)
class Completed:
    """The job is done.

    Attributes:
        outputs: what it left; None where that is known to the records only.
    """

    outputs: Outputs | None


@dataclass(frozen=True)
class Cancelled:
    """Somebody asked the job to stop."""

    error: JobError


@dataclass(frozen=True)
class Pruned:
    """The job is the training of a study's trial, and the other trials leave it no hope."""

    error: JobError


@dataclass(frozen=True)
class Failed:
    """The job could not be done.

    Attributes:
        retry_in: seconds until it is tried again; None when it is given up.
    """

    error: JobError
    retry_in: float | None = None


@dataclass(frozen=True)
class Held:
    """Owners have something to decide first; the job is put back, goes on from where it is when they have, and this was no attempt."""

    holds: tuple[Hold, ...]


@dataclass(frozen=True)
class Interrupted:
    """The program is being stopped; the job goes on from where it is."""

    reason: str


@dataclass(frozen=True)
class Lost:
    """Somebody else has taken the job up, or ended it."""

    reason: str


Outcome: TypeAlias = Completed | Cancelled | Pruned | Failed | Held | Interrupted | Lost
NAMES: Mapping[type[Outcome], str] = {
    Completed: "completed",
    Cancelled: "cancelled",
    Pruned: "pruned",
    Failed: "failed",
    Held: "held",
    Interrupted: "interrupted",
    Lost: "lost",
}
"""As metrics, spans and the ledger have them."""
