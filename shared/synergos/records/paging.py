"""Filters and pagination of lists of records."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from sqlalchemy import Column

from synergos.domain.records import Ids

Item = TypeVar("Item")
Other = TypeVar("Other")


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

    def of(self, statement: Any, number: Column[int]) -> Any:
        """A query for the page, and one row more that tells whether there is another page."""
        statement = statement.order_by(number.desc() if self.newest_first else number)
        if self.after is not None:
            statement = statement.where(number < self.after if self.newest_first else number > self.after)
        return statement if self.limit is None else statement.limit(self.limit + 1)


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
    def cut(cls, page: Page, numbered: list[tuple[int, Item]]) -> Part[Item]:
        """The items of a page, given what :meth:`Page.of` has found, each with its number."""
        items = [item for _, item in numbered[: page.limit]]
        is_more = page.limit is not None and len(numbered) > page.limit
        return cls(items, numbered[len(items) - 1][0] if is_more else None)

    def map(self, change: Callable[[Item], Other]) -> Part[Other]:
        """The same page of something made of each item."""
        return Part([change(item) for item in self.items], self.after)


@dataclass(frozen=True)
class Selection:
    """Which records of a kind are wanted.

    Attributes:
        ids: those with these ids in their keys.
        containing: … and with ids that have these texts in them.
        saying: … and with one of these values in a field.
        are_visible: without those that are hidden from clients (:mod:`synergos.records.visibility`).
    """

    ids: Ids = field(default_factory=dict)
    containing: Ids = field(default_factory=dict)
    saying: Mapping[str, Collection[str]] = field(default_factory=dict)
    are_visible: bool = True
