"""Pages in this process, in front of a real orchestrator in this process whose jobs end at once."""

from __future__ import annotations

from fakes.open_portal import grid

__all__ = ["grid"]
