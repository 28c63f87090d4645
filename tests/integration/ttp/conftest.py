from __future__ import annotations

from fakes.local_jobs import dispatcher_for

__all__ = ["dispatcher_for"]
