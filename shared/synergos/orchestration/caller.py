"""Who asks: every verb of this package is told, so that what somebody may do has one place to be decided in (``access.py``)."""

from __future__ import annotations

from dataclasses import dataclass

from synergos.domain.roles import Role
from synergos.domain.trace_context import TraceContext


@dataclass(frozen=True)
class Caller:
    """Somebody who asks something of an orchestrator.

    Attributes:
        name: how records and logs call them.
        role: what they are; None for whoever runs the orchestrator, who may do everything.
        participant: which participant they are; None for who is none.
        trace: the span in which they ask; None where they say nothing of one.
    """

    name: str
    role: Role | None = None
    participant: str | None = None
    trace: TraceContext | None = None

    @property
    def may_everything(self) -> bool:
        """Whether nothing is kept from them, and nothing refused."""
        return self.role is None


OWNER = Caller("owner")
"""Whoever runs the orchestrator; where there are no accounts, everybody who reaches it."""
