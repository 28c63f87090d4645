"""What hangs under each of several records, read piece by piece: nobody has to hold it all, however much it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, groupby
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, Select, and_, literal, or_, select, union_all

from synergos.domain.records import RECORD_TYPES, Kind, Record
from synergos.records.database import Database
from synergos.records.paging import PIECE_BYTES
from synergos.records.shares import size_of
from synergos.records.tables import RECORDS
from synergos.records.visibility import is_visible

_LISTED_AT_ONCE = 5000
"""How many of the records beneath are found by one query."""


@dataclass(frozen=True, order=True)
class _Place:
    """Where a record stands among all that hang under others: in the order of these, then of kinds, then of its kind's rows.

    Attributes:
        parent: the row number of what it hangs under; less than nothing where the newest come first.
        kind: which of the kinds that hang there.
    """

    parent: int
    kind: int
    doc_id: int


class Beneath:
    """What clients see hang under records of one kind.

    Read forward: what hangs under one record is read before what hangs under the next, and its kinds in their order; what is
    passed over is not there any more. One query finds what there is, and one for each kind fetches a piece of it.

    Args:
        kind: of the records.
        numbers: their row numbers, rising or falling.
        record: makes a record of a row.
    """

    def __init__(
        self, database: Database, kind: Kind, numbers: Sequence[int], record: Callable[[Kind, RowMapping], Record]
    ) -> None:
        self._database = database
        self._kind = kind
        self._numbers = numbers
        self._record = record
        self._related = RECORD_TYPES[kind].relations
        self._sign = -1 if numbers and numbers[0] > numbers[-1] else 1
        self._found = self._read()
        self._next: tuple[_Place, Record] | None = None

    def of(self, number: int) -> dict[str, Iterator[Record]]:
        """What hangs under one of the records, by kind."""
        parent = number * self._sign
        return {related.value: self._take((parent, kind)) for kind, related in enumerate(self._related)}

    def _take(self, wanted: tuple[int, int]) -> Iterator[Record]:
        for found in chain([] if self._next is None else [self._next], self._found):
            self._next = found
            place, record = found
            if (place.parent, place.kind) > wanted:
                return
            if (place.parent, place.kind) == wanted:
                yield record
        self._next = None

    def _read(self) -> Iterator[tuple[_Place, Record]]:
        after: _Place | None = None
        while self._numbers and self._related:
            found = self._find(after)
            for piece in _pieces(found):
                yield from self._fetch(piece)
            if len(found) < _LISTED_AT_ONCE:
                return
            after = found[-1][0]

    def _find(self, after: _Place | None) -> list[tuple[_Place, int]]:
        """The places of what comes next, and the bytes each takes."""
        there = union_all(*(self._of_kind(kind, after) for kind in range(len(self._related)))).subquery()
        wanted = select(there).order_by(there.c.parent, there.c.kind, there.c.doc_id).limit(_LISTED_AT_ONCE)
        with self._database.reading() as connection:
            return [(_Place(parent, kind, doc_id), size) for parent, kind, doc_id, size in connection.execute(wanted)]

    def _of_kind(self, kind: int, after: _Place | None) -> Select[Any]:
        above, table = RECORDS[self._kind], RECORDS[self._related[kind]]
        parent = above.c.doc_id * self._sign
        conditions: list[ColumnElement[bool]] = [
            above.c.doc_id.in_(self._numbers),
            *(above.c[field] == table.c[field] for field in RECORD_TYPES[self._kind].key_fields),
            is_visible(self._related[kind]),
        ]
        if after is not None and kind == after.kind:
            is_later = and_(parent == after.parent, table.c.doc_id > after.doc_id)
            conditions.append(or_(parent > after.parent, is_later))
        elif after is not None:
            conditions.append(parent > after.parent if kind < after.kind else parent >= after.parent)
        size = size_of(self._related[kind])
        return select(
            parent.label("parent"), literal(kind).label("kind"), table.c.doc_id.label("doc_id"), size.label("size")
        ).where(*conditions)

    def _fetch(self, piece: Sequence[_Place]) -> Iterator[tuple[_Place, Record]]:
        with self._database.reading():
            rows = {
                kind: self._rows(kind, [place.doc_id for place in piece if place.kind == kind])
                for kind in _kinds(piece)
            }
        for place in piece:
            # What was deleted meanwhile is not there any more.
            if (row := rows[place.kind].get(place.doc_id)) is not None:
                yield place, self._record(self._related[place.kind], row)

    def _rows(self, kind: int, numbers: Sequence[int]) -> dict[int, RowMapping]:
        table = RECORDS[self._related[kind]]
        with self._database.reading() as connection:
            found = connection.execute(select(table).where(table.c.doc_id.in_(numbers))).mappings()
            return {row["doc_id"]: row for row in found}


def _kinds(piece: Sequence[_Place]) -> set[int]:
    return {place.kind for place in piece}


def _pieces(found: Sequence[tuple[_Place, int]]) -> Iterator[list[_Place]]:
    """These places in pieces that each take so many bytes, or are one record."""
    taken = 0

    def piece_of(entry: tuple[_Place, int]) -> int:
        nonlocal taken
        taken += entry[1]
        return (taken - 1) // PIECE_BYTES

    for _, entries in groupby(found, piece_of):
        yield [place for place, _ in entries]
