"""A clock whose seconds pass when a test says so."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Clock:
    """See the module.

    Attributes:
        now: what it shows; set by the test.
    """

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now
