"""What is found at an address: a program that says what it is, another one, or nobody."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

COMMAND, DATA = "command", "data"
"""The two ports of a worker, as each says of itself at ``/health``."""


@dataclass(frozen=True)
class Answered:
    """What a program says of itself; all None where it is none of ours.

    Attributes:
        component: which program it is.
        interface: which of its ports this is; None for a program with one, or of an earlier version.
    """

    component: str | None
    component_id: str | None
    interface: str | None


@dataclass(frozen=True)
class Silent:
    """Nobody answers.

    Attributes:
        reason: why not, in the system's words.
    """

    reason: str


class Probe(Protocol):
    """Asks a program what it is."""

    def __call__(self, host: str, port: int, /) -> Answered | Silent:
        """Ask once, and wait for seconds only."""
