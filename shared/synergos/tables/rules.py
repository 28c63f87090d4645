"""What the cells of one column mean by its schema: words for nothing, words mapped, units converted, bounds kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from synergos.tables.cells import NO_NUMBER, level_of, number_of
from synergos.tables.dates import days
from synergos.tables.schema import Column, ColumnType, Outside, Schema

_BOOLEANS = {"true": "true", "yes": "true", "1": "true", "false": "false", "no": "false", "0": "false"}


class Unreadable(Enum):
    """Something stands in a cell, and it is no value of the column."""

    UNREADABLE = "unreadable"


UNREADABLE: Final = Unreadable.UNREADABLE

Level: TypeAlias = str | Unreadable | None
Number: TypeAlias = float | Unreadable | None


@dataclass(frozen=True)
class CellRules:
    """The rules of one column.

    Attributes:
        decimal: the decimal mark of its numbers.
        missing: names of what stands for nothing.
        mapped: what is meant, by the name of what is written; None for nothing.
        listed: the levels there are; None where any word is one. Of an ordinal, in ascending order.
    """

    column: Column
    decimal: str
    missing: frozenset[str]
    mapped: Mapping[str, str | None]
    listed: tuple[str, ...] | None

    def level(self, cell: str) -> Level:
        """A cell as the name of a level; None where nothing stands in it."""
        name = self._meant(cell)
        if name is None:
            return None
        if self.column.kind is ColumnType.BOOLEAN:
            name = _BOOLEANS.get(name.lower(), name)
        return name if self.listed is None or name in self.listed else UNREADABLE

    def number(self, cell: str) -> Number:
        """A cell as a number, perhaps infinite, before :meth:`settled`; None where nothing stands in it."""
        if self.column.kind is ColumnType.CATEGORY:
            level = self.level(cell)
            return float(self._order.index(level)) if isinstance(level, str) else level
        name = self._meant(cell)
        if name is None or name.lower() in NO_NUMBER:
            return None
        if self.column.kind is ColumnType.DATE:
            found = days(name, self.column.format)
        else:
            # What is mapped is written in the schema, with a decimal point.
            found = number_of(name) if level_of(cell) in self.mapped else number_of(cell, self.decimal)
        return UNREADABLE if found is None else found

    def settled(self, numbers: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Numbers as written, (N,) with NaN where a cell is missing, in the agreed unit; and which are outside the bounds.

        Those are NaN as well: missing where the schema says so, and then not among the ones outside.
        """
        values = numbers
        if (convert := self.column.convert) is not None:
            with np.errstate(over="ignore"):  # infinite ones are refused by whoever reads them
                values = values * convert.factor + convert.offset
        if (limits := self.column.limits) is None:
            return values, np.zeros(len(values), dtype=np.bool_)
        outside = (values < limits[0]) | (values > limits[1])
        refused = np.zeros_like(outside) if self.column.outside is Outside.MISSING else outside
        return np.where(outside, np.nan, values), refused

    @property
    def reads_words(self) -> bool:
        """Whether even a cell that is a number has to be looked at by :meth:`number`."""
        return bool(self.mapped) or self.column.kind in {ColumnType.CATEGORY, ColumnType.DATE}

    @property
    def settles(self) -> bool:
        """Whether :meth:`settled` can give back something else."""
        return self.column.convert is not None or self.column.bounds is not None

    @property
    def _order(self) -> tuple[str, ...]:
        return self.listed or ()

    def _meant(self, cell: str) -> str | None:
        name = level_of(cell)
        if name is None or name in self.missing:
            return None
        return self.mapped.get(name, name)


ANYTHING = CellRules(Column(kind=ColumnType.CATEGORY), ".", frozenset(), {}, None)
"""A column in which whatever stands is a level."""


def rules_of(schema: Schema, column: str, decimal: str = ".") -> CellRules:
    """The rules of a column of a schema.

    Args:
        column: its name in the file.
    """
    rules = schema.columns[column]
    return CellRules(
        column=rules,
        decimal=decimal,
        missing=frozenset(name for word in schema.missing_words(column) if (name := level_of(word)) is not None),
        mapped={name: _target(meant) for word, meant in rules.mapping.items() if (name := level_of(word)) is not None},
        listed=_listed(rules),
    )


def _target(meant: str | int | float | bool | None) -> str | None:
    if meant is None:
        return None
    return level_of(str(meant).lower() if isinstance(meant, bool) else str(meant))


def _listed(rules: Column) -> tuple[str, ...] | None:
    if rules.kind is ColumnType.BOOLEAN:
        return ("false", "true")
    words = rules.order if rules.order is not None else rules.levels
    if words is None:
        return None
    return tuple(name for word in words if (name := level_of(str(word))) is not None)
