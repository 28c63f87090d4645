"""What was found at one hop of a line."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum


class State(StrEnum):
    """How a hop is."""

    FINE = "fine"
    NOTE = "note"
    FAILED = "failed"


@dataclass(frozen=True)
class Finding:
    """One hop.

    Attributes:
        line: from where to where, or the machine it is about.
        hop: which part of it.
        said: in one sentence what is there, or what is wrong and what to do.
    """

    line: str
    hop: str
    state: State
    said: str

    def to_dict(self) -> dict[str, str]:
        """As JSON-able values."""
        return {**asdict(self), "state": self.state.value}


class Broken(Exception):
    """A line ends here; nothing behind this hop can be looked at."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.said)
        self.finding = finding


def failing(findings: Iterable[Finding]) -> Finding | None:
    """The first hop that does not hold; None where all do."""
    return next((finding for finding in findings if finding.state is State.FAILED), None)
