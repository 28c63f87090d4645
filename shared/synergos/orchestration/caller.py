"""Who asks: every verb of this package is told, so that what somebody may do has one place to be decided in."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Caller:
    """Somebody who asks something of an orchestrator.

    Attributes:
        name: how records and logs call them.
    """

    name: str


OWNER = Caller("owner")
"""Whoever runs the orchestrator. There are no accounts yet, so everybody who reaches it counts as its owner."""
