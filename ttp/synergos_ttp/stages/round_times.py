"""How long rounds take: by it the next answer is waited for, and what is left is guessed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class RoundTimes:
    """How long the exchanges and rounds of one run took, in seconds.

    Attributes:
        longest: of the exchanges; None before the first.
    """

    longest: float | None = None
    _rounds: int = 0
    _total: float = 0.0

    def exchange(self, seconds: float) -> None:
        """One is over."""
        self.longest = max(seconds, self.longest or 0.0)

    def round(self, seconds: float) -> None:
        """One is over."""
        self._rounds += 1
        self._total += seconds

    @property
    def mean(self) -> float:
        """Of the rounds."""
        return self._total / self._rounds
