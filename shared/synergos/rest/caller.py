"""Who sent the request at hand; the only place that knows."""

from __future__ import annotations

from synergos.orchestration.caller import OWNER, Caller


def caller() -> Caller:
    """Whoever sent the request: the owner, as there are no accounts yet."""
    return OWNER
