"""Removals that are not done yet, as rows: added with the deletion that they come from, gone when their files are."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import RowMapping, delete, insert, literal, or_, select, update

from synergos.domain.grid import Node
from synergos.domain.keys import RunKey
from synergos.domain.removal import Removal, folder_key
from synergos.domain.tags import Purpose
from synergos.errors import RecordNotFound
from synergos.records.paging import EVERYTHING, Page, Part
from synergos.records.store import RecordStore
from synergos.records.tables import REMOVALS

_SIZE = 1000
"""Bytes of a row, nearly; nobody outside can make one large."""


class Removals:
    """The removals of one record store."""

    def __init__(self, store: RecordStore) -> None:
        self._store = store

    def add(self, removals: Sequence[Removal]) -> None:
        """Store new ones."""
        with self._store.database.writing() as connection:
            for removal in removals:
                connection.execute(insert(REMOVALS).values(_row_of(removal)))

    def select(
        self, ids: Mapping[str, str], page: Page = EVERYTHING, collaborations: Collection[str] | None = None
    ) -> Part[Removal]:
        """Those with these ids, in the order they were added.

        Args:
            collaborations: only what was in one of these; None for all.
        """
        conditions = [REMOVALS.c[name] == value for name, value in ids.items()]
        if collaborations is not None:
            conditions.append(REMOVALS.c.collab_id.in_(list(collaborations)))
        statement = page.of(REMOVALS, REMOVALS.c.number, literal(_SIZE), *conditions)
        with self._store.database.reading() as connection:
            rows = connection.execute(statement).mappings()
            return Part.cut(page, rows, REMOVALS.c.number, _removal_of)

    def of_grids(self, grids: Collection[int | None] | None) -> list[Removal]:
        """Those that the TTPs of these sub-grids see to, or with None among them the orchestrator; without ``grids`` all."""
        statement = select(REMOVALS).order_by(REMOVALS.c.number)
        if grids is not None:
            numbers = [grid for grid in grids if grid is not None]
            of_nobody = [REMOVALS.c.grid.is_(None)] if None in grids else []
            statement = statement.where(or_(REMOVALS.c.grid.in_(numbers), *of_nobody))
        with self._store.database.reading() as connection:
            return [_removal_of(row) for row in connection.execute(statement).mappings()]

    def left_of(self, removals: Sequence[Removal]) -> list[Removal]:
        """Of these, those that are not done yet, as they stand now."""
        wanted = select(REMOVALS).where(REMOVALS.c.id.in_([each.id for each in removals])).order_by(REMOVALS.c.number)
        with self._store.database.reading() as connection:
            return [_removal_of(row) for row in connection.execute(wanted).mappings()]

    def note(self, removal: Removal, reason: str) -> None:
        """Store that one was tried in vain."""
        with self._store.database.writing() as connection:
            tried = {"tried_at": self._store.database.now(), "reason": reason}
            connection.execute(update(REMOVALS).where(REMOVALS.c.id == removal.id).values(**tried))

    def end(self, removal_id: str) -> Removal:
        """Forget one: it is done, or nobody is to try it any more; as it stood.

        Raises:
            RecordNotFound: there is none of that id.
        """
        with self._store.database.writing() as connection:
            row = connection.execute(select(REMOVALS).where(REMOVALS.c.id == removal_id)).mappings().one_or_none()
            if row is None:
                raise RecordNotFound(f"no Removal {removal_id!r}")
            connection.execute(delete(REMOVALS).where(REMOVALS.c.id == removal_id))
            return _removal_of(row)


def _row_of(removal: Removal) -> dict[str, object]:
    node = removal.node
    where = (
        {}
        if node is None
        else {
            "participant_id": node.participant_id,
            "host": node.host,
            "command_port": node.command_port,
            "data_port": node.data_port,
        }
    )
    return {
        "id": removal.id,
        **removal.folder.to_dict(),
        "purpose": None if removal.purpose is None else removal.purpose.value,
        "grid": removal.grid,
        **where,
        "created_at": removal.created_at,
        "tried_at": removal.tried_at,
        "reason": removal.reason,
    }


def _removal_of(row: RowMapping) -> Removal:
    has_node = row["participant_id"] is not None
    return Removal(
        folder=folder_key({name: row[name] for name in RunKey.fields() if row[name] is not None}),
        purpose=None if row["purpose"] is None else Purpose(row["purpose"]),
        grid=row["grid"],
        node=Node(row["participant_id"], row["host"], row["command_port"], row["data_port"]) if has_node else None,
        id=row["id"],
        created_at=row["created_at"],
        tried_at=row["tried_at"],
        reason=row["reason"],
    )
