"""What each collaboration has of the record store, counted with every write, so that it is known without a look at all of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Text, bindparam, cast, delete, func, insert, literal, select, update

from synergos.domain.records import RECORD_TYPES, Kind
from synergos.records.tables import RECORDS, SHARES

OF_NO_COLLABORATION = ""
"""Whose share participants are counted in."""


_GROWN = (
    update(SHARES)
    .where(SHARES.c.collab_id == bindparam("whose"))
    .values(records=SHARES.c.records + bindparam("more_records"), size=SHARES.c.size + bindparam("more_size"))
)
"""Made once: making a statement takes longer than what it asks for."""


@dataclass(frozen=True)
class Share:
    """What one collaboration has.

    Attributes:
        size: bytes of its records' payloads as they are stored.
    """

    records: int = 0
    size: int = 0


def size_of(kind: Kind) -> ColumnElement[int]:
    """Bytes of a record's payload, on the table of ``kind``; JSON is stored in ASCII, so these are its letters."""
    return func.coalesce(func.length(cast(RECORDS[kind].c.payload, Text)), 0)


def share_of(connection: Connection, collab_id: str) -> Share:
    """What a collaboration has."""
    wanted = select(SHARES.c.records, SHARES.c.size).where(SHARES.c.collab_id == collab_id)
    found = connection.execute(wanted).one_or_none()
    return Share() if found is None else Share(*found)


def change(connection: Connection, key: Mapping[str, str], records: int, size: int) -> None:
    """Count what was written under a key, or with less than nothing what was deleted."""
    _change(connection, key.get("collab_id", OF_NO_COLLABORATION), records, size)


def held(connection: Connection, kind: Kind, *conditions: ColumnElement[bool]) -> list[tuple[str, int, int]]:
    """What of a kind fulfils conditions: by collaboration, how many records and bytes."""
    table = RECORDS[kind]
    whose: ColumnElement[Any] = table.c.collab_id if "collab_id" in table.c else literal(OF_NO_COLLABORATION)
    counted = select(whose, func.count(), func.sum(size_of(kind))).select_from(table).where(*conditions)
    grouped = counted.group_by(table.c.collab_id) if "collab_id" in table.c else counted
    return [(who, records, size) for who, records, size in connection.execute(grouped) if records]


def release(connection: Connection, kind: Kind, *conditions: ColumnElement[bool]) -> None:
    """Count no more what is about to be deleted."""
    for who, records, size in held(connection, kind, *conditions):
        _change(connection, who, -records, -size)


def recount(connection: Connection) -> None:
    """Count all there is anew."""
    connection.execute(delete(SHARES))
    for kind in RECORD_TYPES:
        for who, records, size in held(connection, kind):
            _change(connection, who, records, size)


def _change(connection: Connection, collab_id: str, records: int, size: int) -> None:
    if not connection.execute(_GROWN, {"whose": collab_id, "more_records": records, "more_size": size}).rowcount:
        connection.execute(insert(SHARES).values(collab_id=collab_id, records=records, size=size))
    if records < 0:
        connection.execute(delete(SHARES).where(SHARES.c.collab_id == collab_id, SHARES.c.records <= 0))
