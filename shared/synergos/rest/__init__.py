"""The orchestrator's REST interface, the same for every kind of grid: routes, bodies, envelopes, and errors as statuses."""

from __future__ import annotations

from synergos.rest.app import create_app

__all__ = ["create_app"]
