"""A grid with more programs than its own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from synergos.pki.consortium import LocalConsortium
from synergos_simulator.grid import Planned


@dataclass(frozen=True)
class MorePrograms:
    """All but the programs of a :class:`~synergos_simulator.grid.Planned`, which are those of another one and more."""

    plan: Planned

    @property
    def folder(self) -> Path:
        """Where logs, outputs and the state file go."""
        return self.plan.folder

    @property
    def data(self) -> Path:
        """The data root."""
        return self.plan.data

    @property
    def consortium(self) -> LocalConsortium | None:
        """Who gives its programs certificates; None for plain HTTP."""
        return self.plan.consortium
