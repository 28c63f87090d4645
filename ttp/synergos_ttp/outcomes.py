"""How an attempt at a job can end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from synergos.domain.job import JobError
from synergos.domain.outputs import Outputs


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
class Interrupted:
    """The program is being stopped; the job goes on from where it is."""

    reason: str


@dataclass(frozen=True)
class Lost:
    """Somebody else has taken the job up, or ended it."""

    reason: str


Outcome: TypeAlias = Completed | Cancelled | Pruned | Failed | Interrupted | Lost
