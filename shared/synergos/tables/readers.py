"""From the cells of one column to what it holds, and to a failure where they hold something else. No cell is repeated."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from synergos.errors import UnusableData
from synergos.tables.cells import CellCounts, Levels, levels_of
from synergos.tables.metadata import METADATA
from synergos.tables.numbers import Numbers, Words, numbers_of
from synergos.tables.rules import UNREADABLE, CellRules, Level
from synergos.tables.schema import SCHEMA, ColumnType
from synergos.tables.source import Cells, Source

LARGEST_WHOLE = 2.0**53 - 1
"""Beyond it two whole numbers can be one number of 64 bits."""

LARGEST = float(np.finfo(np.float32).max)
"""No sum of so many of them that fit in memory overflows, and no label does when it becomes a float32."""


class Reader(Protocol):
    """Takes the cells of one column, some rows at a time."""

    def take(self, cells: Cells, start: int) -> None:
        """Take the cells of the rows from ``start`` on."""


@dataclass
class _Found:
    """Cells of one kind: how many, and the first row."""

    count: int = 0
    first: int = -1

    def add(self, is_one: NDArray[np.bool_], start: int) -> None:
        count = int(np.count_nonzero(is_one))
        if count and not self.count:
            self.first = start + int(is_one.argmax())
        self.count += count

    def told(self, source: Source, what: str) -> str:
        """How many there are and where the first stands, for an error."""
        verb = "is" if self.count == 1 else "are"
        return f"{self.count} of {source.count} cells {verb} {what}, the first in {source.place(self.first)}"


@dataclass
class NumberReader:
    """A column of numbers.

    Attributes:
        values: where they are put, one per row; NaN where a cell is missing or unreadable.
    """

    rules: CellRules
    words: Words
    values: NDArray[np.float64]
    _missing: int = 0
    _unreadable: _Found = field(default_factory=_Found)
    _beyond: _Found = field(default_factory=_Found)
    _outside: _Found = field(default_factory=_Found)
    _fractions: _Found = field(default_factory=_Found)
    _with_commas: int = 0

    def take(self, cells: Cells, start: int) -> None:
        """See :class:`Reader`."""
        found = self._numbers(cells)
        values, unreadable = found.values, found.unreadable
        if self.rules.settles:
            values, outside = self.rules.settled(values)
            self._outside.add(outside, start)
            unreadable = unreadable | outside
        low, high = self._limits()
        # NaN is neither.
        self._beyond.add((values < low) | (values > high), start)
        if self._is_whole():
            fractions = np.isfinite(values) & (np.trunc(values) != values)
            if fractions.any():
                self._fractions.add(fractions, start)
                values[fractions], unreadable = np.nan, unreadable | fractions
        self._unreadable.add(unreadable, start)
        self._with_commas += found.with_commas
        self._missing += int(np.count_nonzero(np.isnan(values))) - int(np.count_nonzero(unreadable))
        self.values[start : start + len(values)] = values

    def counts(self) -> CellCounts:
        """What stood in the column."""
        return CellCounts(self._missing, self._unreadable.count)

    def check(self, name: str, source: Source, share: float) -> None:
        """Check what was found.

        Args:
            name: of the column.
            share: of unreadable cells there may be.

        Raises:
            UnusableData: says how many cells it is about and where the first stands.
        """
        if self._beyond.count:
            low, high = self._limits()
            told = self._beyond.told(source, "infinite or too large")
            expected = f"{self._dtype} from {low:.17g} to {high:.17g}"
            raise UnusableData(f"column {name!r}: {told}; expected {expected}", source.name)
        if self._unreadable.count > share * source.count:
            raise _unreadable(name, source, self._unreadable, share, self._expected())

    def _numbers(self, cells: Cells) -> Numbers:
        if not self.rules.reads_words:
            return numbers_of(cells, self.words, self.rules.decimal)
        # Only the distinct cells are looked at one by one; the last entry serves a cell that is not there.
        encoded = as_text(cells).dictionary_encode()
        found = [*map(self.rules.number, encoded.dictionary.to_pylist()), None]
        codes = pc.fill_null(encoded.indices, -1).to_numpy()
        values = np.array([value if isinstance(value, float) else np.nan for value in found])
        return Numbers(values[codes], np.array([value is UNREADABLE for value in found])[codes])

    def _expected(self) -> str:
        if self._outside.count == self._unreadable.count:
            return "values within its bounds"
        if self.rules.listed is not None:
            return f"a level of its order in {SCHEMA}"
        if self._dtype == ColumnType.FLOAT64 and self.rules.column.kind is ColumnType.DATE:
            return f"dates as {self.rules.column.format or 'ISO 8601'} has them"
        if self._with_commas == self._unreadable.count:
            # 1,200 may be either: who reads this has to say which.
            return (
                "numbers such as 1200.5, without thousands separators; where the comma stands before the fraction, "
                f'"decimal": "," in {METADATA}'
            )
        if self._fractions.count:
            return "whole numbers"
        return f"numbers such as 1200{self.rules.decimal}5, without thousands separators"

    def _is_whole(self) -> bool:
        return "int" in self._dtype

    @property
    def _dtype(self) -> str:
        return self.rules.column.dtype

    def _limits(self) -> tuple[float, float]:
        if not self._is_whole():
            largest = min(float(np.finfo(self._dtype).max), LARGEST)
            return -largest, largest
        whole = np.iinfo(self._dtype)
        return max(float(whole.min), -LARGEST_WHOLE), min(float(whole.max), LARGEST_WHOLE)


@dataclass
class LevelReader:
    """A column of categories.

    Attributes:
        codes: where they are put, one per row; into the distinct cells, in the order in which they came.
    """

    rules: CellRules
    codes: NDArray[np.int32]
    _known: dict[str, int] = field(default_factory=dict)

    def take(self, cells: Cells, start: int) -> None:
        """See :class:`Reader`."""
        encoded = as_text(cells).dictionary_encode()
        known = self._known
        places = [known.setdefault(cell, len(known)) for cell in encoded.dictionary.to_pylist()]
        # The last entry serves -1, a cell that is not there.
        lookup = np.array([*places, -1], dtype=np.int32)
        self.codes[start : start + len(encoded)] = lookup[pc.fill_null(encoded.indices, -1).to_numpy()]

    def levels(self) -> Levels:
        """The column, when all rows are taken."""
        return levels_of(self.codes, [level if isinstance(level, str) else None for level in self._meanings])

    def counts(self) -> CellCounts:
        """What stood in the column, when all rows are taken."""
        absent, *counts = np.bincount(self.codes + 1, minlength=len(self._known) + 1).tolist()
        by_meaning = list(zip(self._meanings, counts, strict=True))
        return CellCounts(
            missing=absent + sum(count for meaning, count in by_meaning if meaning is None),
            unreadable=sum(count for meaning, count in by_meaning if meaning is UNREADABLE),
        )

    @cached_property
    def _meanings(self) -> list[Level]:
        return list(map(self.rules.level, self._known))

    def check(self, name: str, source: Source, share: float) -> None:
        """See :meth:`NumberReader.check`."""
        if self.counts().unreadable > share * source.count:
            found = _Found()
            # The last entry serves -1.
            found.add(np.array([*(meaning is UNREADABLE for meaning in self._meanings), False])[self.codes], 0)
            words = "true or false, in its words" if self.rules.column.kind is ColumnType.BOOLEAN else "a level listed"
            raise _unreadable(name, source, found, share, f"{words} in {SCHEMA}")


@dataclass
class TextReader:
    """A column whose cells stay what is written; None where nothing stands."""

    _chunks: list[Cells] = field(default_factory=list)

    def take(self, cells: Cells, start: int) -> None:
        """See :class:`Reader`."""
        self._chunks.append(as_text(cells))

    def texts(self) -> list[str | None]:
        """The cells, when all rows are taken."""
        return [cell or None for chunk in self._chunks for cell in chunk.to_pylist()]


def _unreadable(name: str, source: Source, found: _Found, share: float, expected: str) -> UnusableData:
    told = found.told(source, "unreadable")
    allowed = f", more than the share of {share:.3g} that its {SCHEMA} allows" if share else ""
    words = f"what is written where nothing is known is named in {SCHEMA}"
    return UnusableData(f"column {name!r}: {told}{allowed}; expected {expected}; {words}", source.name)


def as_text(cells: Cells) -> Cells:
    """Cells as a csv file has them."""
    if pa.types.is_boolean(cells.type):
        return pc.if_else(cells, "True", "False")
    if pa.types.is_floating(cells.type):
        cells = pc.if_else(pc.is_nan(cells), None, cells)
    return cells if pa.types.is_string(cells.type) else pc.cast(cells, pa.string())
