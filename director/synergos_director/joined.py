"""Workers that dial out to one of a cluster's TTPs: the director knows of them, and never asks them anything."""

from __future__ import annotations

import errno
import socket

from synergos.domain.reachability import Presence
from synergos.records.grid_leases import GridLeases


class JoinedElsewhere:
    """Those that the TTPs of the sub-grids say have joined them; any thread may ask. See :class:`synergos.program.destinations.Joined`."""

    def __init__(self, grids: GridLeases) -> None:
        self._grids = grids

    def claim(self, fingerprint: str, _port: int, _seconds: float) -> socket.socket:
        """Nobody's.

        Raises:
            OSError: always; says which TTP asks it.
        """
        grid = self._grid_of(fingerprint)
        if grid is None:
            raise OSError(errno.ECONNREFUSED, "it has joined no TTP of the cluster, or is gone again")
        raise OSError(errno.EHOSTUNREACH, f"the TTP of sub-grid {grid} alone can ask it, which it has joined")

    def presence(self, fingerprint: str) -> Presence | None:
        """That it has joined a TTP; None where it has not."""
        return None if self._grid_of(fingerprint) is None else Presence()

    def _grid_of(self, fingerprint: str) -> int | None:
        return next((grid for grid, joined in self._grids.joined().items() if fingerprint in joined), None)
