"""Leases on the sub-grids of a cluster: which TTP has which, and which of them a project's jobs go to."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta

from sqlalchemy import delete, insert, select

from synergos.domain.grid import nodes_of
from synergos.domain.keys import ProjectKey
from synergos.domain.records import Kind
from synergos.records.store import RecordStore
from synergos.records.tables import GRID_LEASES


class GridLeases:
    """The sub-grids of one record store.

    Args:
        seconds: how long a TTP is believed to be alive after it was last heard of.
    """

    def __init__(self, store: RecordStore, seconds: float) -> None:
        self._store = store
        self._seconds = seconds

    def hold(self, grid: int, holder: str, ttp: str, joined: Collection[str] = ()) -> str | None:
        """Become or stay the one TTP of a sub-grid.

        Args:
            holder: the process that asks.
            ttp: what it is called.
            joined: the fingerprints of the workers that have joined it.

        Returns:
            None when ``holder`` has it now, otherwise the name of the TTP that has it.
        """
        table = GRID_LEASES
        with self._store.database.writing() as connection:
            now = self._store.database.now()
            row = connection.execute(select(table).where(table.c.grid == grid)).mappings().one_or_none()
            if row is not None and row["holder"] != holder and row["lease_until"] > now:
                return str(row["ttp"])
            connection.execute(delete(table).where(table.c.grid == grid))
            values = {"grid": grid, "holder": holder, "ttp": ttp, "lease_until": now + timedelta(seconds=self._seconds)}
            values |= {"joined": sorted(joined)}
            connection.execute(insert(table).values(values))
        return None

    def leave(self, grid: int, holder: str) -> None:
        """Make room for the next TTP of the sub-grid."""
        mine = (GRID_LEASES.c.grid == grid, GRID_LEASES.c.holder == holder)
        with self._store.database.writing() as connection:
            connection.execute(delete(GRID_LEASES).where(*mine))

    def living(self) -> dict[int, str]:
        """The sub-grids that have a living TTP, and what it is called."""
        with self._store.database.reading() as connection:
            alive = GRID_LEASES.c.lease_until > self._store.database.now()
            rows = connection.execute(select(GRID_LEASES).where(alive).order_by(GRID_LEASES.c.grid)).mappings()
            return {row["grid"]: row["ttp"] for row in rows}

    def joined(self) -> dict[int, frozenset[str]]:
        """Of the sub-grids that have a living TTP, the fingerprints of the workers that have joined it."""
        with self._store.database.reading() as connection:
            alive = GRID_LEASES.c.lease_until > self._store.database.now()
            rows = connection.execute(select(GRID_LEASES.c.grid, GRID_LEASES.c.joined).where(alive))
            return {row.grid: frozenset(row.joined or ()) for row in rows}

    def width(self, project: ProjectKey) -> int:
        """On how many living sub-grids a project's jobs can run, at least 1: they wait where there is none yet."""
        count = self.count_of(project.project)
        return max(1, sum(grid < count for grid in self.living()))

    def holder_of(self, grid: int, now: datetime) -> str | None:
        """The process that has a sub-grid; None where nobody has."""
        held = select(GRID_LEASES.c.holder).where(GRID_LEASES.c.grid == grid, GRID_LEASES.c.lease_until > now)
        with self._store.database.reading() as connection:
            return connection.execute(held).scalar_one_or_none()

    def count_of(self, project: ProjectKey) -> int:
        """How many sub-grids the registrations of a project make."""
        said = (record.get("n_count") for record in self._store.find(Kind.REGISTRATION, project))
        # One that is damaged keeps nobody else's jobs waiting: the job itself will say so.
        counts = [count for count in said if isinstance(count, int)]
        # A job of a project without participants is anybody's: it ends with a message that says so.
        return min(counts, default=sys.maxsize)

    def takes(self, grid: int, project: ProjectKey, joined: Callable[[], Mapping[int, frozenset[str]]]) -> bool:
        """Whether a project's jobs go to a sub-grid: to one where all its workers that dial out are, should there be one."""
        nodes = [nodes_of(record) for record in self._store.find(Kind.REGISTRATION, project)]

        def is_complete(index: int) -> bool:
            of_grid = [each[index] for each in nodes if index < len(each)]
            return all(node.host in joined().get(index, ()) for node in of_grid if node.joins)

        if not any(node.joins for each in nodes for node in each) or is_complete(grid):
            return True
        count = min(map(len, nodes))
        # Where none is, the job is run to say who is missing.
        return not any(is_complete(other) for other in joined() if other < count)
