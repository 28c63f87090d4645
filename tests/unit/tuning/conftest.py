from __future__ import annotations

from fakes.trained_store import store, trained

__all__ = ["store", "trained"]
