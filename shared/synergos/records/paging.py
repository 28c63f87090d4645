"""Filters and pagination of lists of records."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from sqlalchemy import Column, ColumnElement, RowMapping, Table, and_, func, literal, select

from synergos.domain.records import Ids

Item = TypeVar("Item")
Other = TypeVar("Other")

PIECE_BYTES = 2**20
"""What is read of a list at once, as it is stored; a single row may take more."""
WANTED = "wanted"


@dataclass(frozen=True)
class Page:
    """A part of a list.

    Rows are numbered in the order they were first stored, and numbers are never used again. A page begins after a number
    instead of after so many rows, so what is stored or deleted meanwhile moves nothing, and the last page costs what the
    first one does.

    Attributes:
        limit: the most items; None for all there are.
        after: the number of the last row of the page before; None for the first page.
        newest_first: the order.
    """

    limit: int | None = None
    after: int | None = None
    newest_first: bool = False

    def begins_before(self, number: int) -> bool:
        """Whether a row of this number is on the page, or a later one."""
        return self.after is None or (number < self.after if self.newest_first else number > self.after)

    def of(self, table: Table, number: Column[int], size: ColumnElement[int], *conditions: ColumnElement[bool]) -> Any:
        """A query for the page; :meth:`Part.cut` takes its rows.

        Where there is a limit, the page also ends with the row by which it takes :data:`PIECE_BYTES`, and each row says under
        ``wanted`` how many there would have been without that, one more than the limit if there is another page.

        Args:
            number: the column of the rows' numbers.
            size: the bytes of a row that count.
        """
        if self.after is not None:
            conditions = (*conditions, number < self.after if self.newest_first else number > self.after)
        order = number.desc() if self.newest_first else number
        if self.limit is None:
            return select(table, literal(0).label(WANTED)).where(*conditions).order_by(order)
        listed = (
            select(number.label("number"), size.label("size"))
            .where(*conditions)
            .order_by(order)
            .limit(self.limit + 1)
            .subquery()
        )
        sequence = listed.c.number.desc() if self.newest_first else listed.c.number
        before = func.sum(listed.c.size).over(order_by=sequence) - listed.c.size
        summed = select(listed.c.number, before.label("before"), func.count().over().label(WANTED)).subquery()
        fits = and_(summed.c.number == number, summed.c.before < PIECE_BYTES)
        return select(table, summed.c[WANTED]).join(summed, fits).order_by(order)


EVERYTHING = Page()


@dataclass(frozen=True)
class Part(Generic[Item]):
    """The items of a page.

    Attributes:
        after: where the next page begins; None when this is the last.
    """

    items: list[Item]
    after: int | None = None

    @classmethod
    def cut(
        cls, page: Page, rows: Iterable[RowMapping], number: Column[int], item: Callable[[RowMapping], Item]
    ) -> Part[Item]:
        """The items of a page.

        Args:
            rows: what the query of :meth:`Page.of` has found.
            number: the column of the rows' numbers.
            item: makes one of a row.
        """
        found = list(rows)
        shown = found[: page.limit]
        is_more = bool(shown) and shown[0][WANTED] > len(shown)
        return cls([item(row) for row in shown], shown[-1][number.name] if is_more else None)

    def map(self, change: Callable[[Item], Other]) -> Part[Other]:
        """The same page of something made of each item."""
        return Part([change(item) for item in self.items], self.after)


@dataclass(frozen=True)
class Selection:
    """Which records of a kind are wanted.

    Attributes:
        ids: those with these ids in their keys.
        containing: … and with ids that have these texts in them.
        among: … and with one of several ids in the place of each of these names.
        saying: … and with one of these values in a field.
        are_visible: without those that are hidden from clients (:mod:`synergos.records.visibility`).
    """

    ids: Ids = field(default_factory=dict)
    containing: Ids = field(default_factory=dict)
    among: Mapping[str, Collection[str]] = field(default_factory=dict)
    saying: Mapping[str, Collection[str]] = field(default_factory=dict)
    are_visible: bool = True
