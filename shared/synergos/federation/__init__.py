"""The project file ``federation.toml``: read, compared with what an orchestrator has, applied there, and undone.

It stands on the driver and on what requests look like; there is no request of its own in here.
"""

from __future__ import annotations

from synergos.federation.federation import Federation
from synergos.federation.reading import FILE_NAME, find_federation, read_federation

__all__ = ["FILE_NAME", "Federation", "find_federation", "read_federation"]
