"""Reading one file of rows by its schema: columns checked, cells made numbers, levels or ids, no row left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from synergos.errors import UnusableData
from synergos.tables.cells import CellCounts, Levels
from synergos.tables.data_file import DataFile
from synergos.tables.declarations import Declaration, declaration
from synergos.tables.files import open_table
from synergos.tables.memory import zeros
from synergos.tables.names import listed
from synergos.tables.numbers import Words
from synergos.tables.readers import LevelReader, NumberReader, Reader, TextReader
from synergos.tables.rules import ANYTHING, rules_of
from synergos.tables.schema import SCHEMA, ColumnType, Schema
from synergos.tables.source import Expected, Source
from synergos.tables.stopping import refuse_unwanted
from synergos.tables.text_format import TextFormat

HeaderCheck = Callable[[Sequence[str], str], None]
"""Takes the names of a file's columns and the file's name; raises ``UnusableData``."""

_SHOWN = 5


@dataclass(frozen=True)
class FileRows:
    """The rows of one file, columns in the file's order and by the names everybody has for them.

    Attributes:
        dtypes: of the columns that are not entirely empty.
        numbers: one row per row of the file, one column per entry of ``numeric``; NaN where a cell is missing or unreadable.
        ids: of columns that are carried into predictions; None where nothing stands.
        cells: what stood in each column that is read, entirely empty ones among them.
        declared: what its schema says of the columns that are not entirely empty.
    """

    name: str
    count: int
    dtypes: Mapping[str, str]
    numeric: tuple[str, ...]
    numbers: NDArray[np.float64]
    categorical: Mapping[str, Levels]
    ids: Mapping[str, Sequence[str | None]] = field(default_factory=dict)
    cells: Mapping[str, CellCounts] = field(default_factory=dict)
    declared: Mapping[str, Declaration] = field(default_factory=dict)


def read_rows(file: DataFile, schema: Schema, written: TextFormat, header: HeaderCheck | None = None) -> FileRows:
    """Read a file of rows.

    Args:
        header: checks the names of its columns; by default all columns of the schema, but for the label, have to be there.

    Raises:
        UnusableData: it cannot be read, has no row, its columns are not those expected, or cells are not what they should be.
    """
    return _taken(file, schema, written, header).rows()


def rows_in(source: Source, schema: Schema) -> FileRows:
    """Read an open source whose header was checked.

    Raises:
        UnusableData: cells are not what they should be, or a column without a name in the schema is not empty.
    """
    reading = _Reading(source, schema)
    reading.take()
    return reading.rows()


def problems_in_rows(file: DataFile, schema: Schema, written: TextFormat) -> list[UnusableData]:
    """What :func:`read_rows` would refuse: all of it, as far as one thing does not hide another."""
    try:
        return list(_taken(file, schema, written).problems())
    except UnusableData as problem:
        return [problem]


def count_of(file: DataFile, schema: Schema, written: TextFormat) -> int:
    """How many rows a file has, whose cells are not looked at; raises what :func:`read_rows` does of others."""
    return _opened(file, schema, written).count


def _opened(file: DataFile, schema: Schema, written: TextFormat, header: HeaderCheck | None = None) -> Source:
    expected = Expected(list(schema.columns), header or partial(_check_names, schema))
    source = open_table(file, written, expected)
    if not source.count:
        raise UnusableData("has no row", file.name)
    return source


def _taken(file: DataFile, schema: Schema, written: TextFormat, header: HeaderCheck | None = None) -> _Reading:
    source = _opened(file, schema, written, header)
    reading = _Reading(source, schema)
    reading.take()
    # What cells were read through, which its library keeps for the next file: in a worker there is seldom one soon.
    pa.default_memory_pool().release_unused()
    return reading


class _Reading:
    """One file while it is read: a reader for every column that matters."""

    def __init__(self, source: Source, schema: Schema) -> None:
        self._source, self._schema = source, schema
        known = [name for name in source.columns if name in schema.columns]
        columns = {name: schema.columns[name] for name in known}
        self._rules = rules = {name: rules_of(schema, name, source.decimal) for name in known}
        numeric = [name for name, column in columns.items() if column.is_read and not column.is_category]
        # Column by column in memory, as it is written and measured.
        self._block = zeros((len(numeric), source.count), np.float64)
        self._numbers = {
            name: NumberReader(rules[name], Words.of(schema.missing_words(name)), values)
            for name, values in zip(numeric, self._block, strict=True)
        }
        self._levels = {
            name: LevelReader(rules[name], zeros((source.count,), np.int32))
            for name, column in columns.items()
            if column.is_category
        }
        self._ids = {name: TextReader() for name, column in columns.items() if column.kind is ColumnType.ID}

    def problems(self) -> Iterator[UnusableData]:
        """What is wrong with the cells, column by column, once they are taken."""
        readers: Mapping[str, NumberReader | LevelReader] = {**self._numbers, **self._levels}
        for name, reader in readers.items():
            try:
                reader.check(name, self._source, self._schema.unreadable_share(name))
            except UnusableData as problem:
                yield problem

    def rows(self) -> FileRows:
        """All of it, once it is taken."""
        for problem in self.problems():
            raise problem
        levels = {name: reader.levels() for name, reader in self._levels.items()}
        cells = {name: reader.counts() for name, reader in self._numbers.items()}
        cells |= {name: reader.counts() for name, reader in self._levels.items()}
        filled = [name for name in self._source.columns if name in cells and cells[name].filled < self._source.count]
        agreed = self._schema.agreed_name
        numeric = [name for name in filled if name in self._numbers]
        return FileRows(
            name=self._source.name,
            count=self._source.count,
            dtypes={agreed(name): self._schema.columns[name].dtype for name in filled},
            numeric=tuple(map(agreed, numeric)),
            numbers=self._columns(numeric),
            categorical={agreed(name): levels[name] for name in filled if name in levels},
            ids={name: reader.texts() for name, reader in self._ids.items()},
            cells={agreed(name): counts for name, counts in cells.items()},
            declared={agreed(name): declaration(self._rules[name], name, agreed(name)) for name in filled},
        )

    def take(self) -> None:
        """Read the cells."""
        source = self._source
        named: dict[str, Reader] = {**self._numbers, **self._levels, **self._ids}
        # What has no name in the schema may be there when nothing stands in it.
        unnamed = {
            place: LevelReader(ANYTHING, zeros((source.count,), np.int32))
            for place, name in enumerate(source.columns)
            if name not in self._schema.columns
        }
        readers: dict[int, Reader] = {
            place: named[name] for place, name in enumerate(source.columns) if name in named
        } | dict(unnamed)
        start = 0
        numbers = {place for place, name in enumerate(source.columns) if name in self._numbers}
        plain = {place for place in numbers if not self._numbers[source.columns[place]].rules.reads_words}
        for batch in source.batches(list(readers), plain) if readers else ():
            refuse_unwanted()
            for reader, cells in zip(readers.values(), batch, strict=True):
                reader.take(cells, start)
            start += len(batch[0])
        if places := [place + 1 for place, reader in unnamed.items() if reader.levels().levels]:
            # Said by their place: in a damaged first line, names can be cells.
            raise UnusableData(
                f"column number {_shown(places)} of its first line is not in its {SCHEMA}; "
                'name it there, with type "ignore" if nobody is to read it',
                source.name,
            )

    def _columns(self, names: Sequence[str]) -> NDArray[np.float64]:
        """The columns in which something stands, as (rows, columns)."""
        kept = [place for place, name in enumerate(self._numbers) if name in names]
        block = self._block if len(kept) == len(self._block) else self._block[kept]
        return block.T


def _check_names(schema: Schema, columns: Sequence[str], name: str) -> None:
    """Refuse a file that lacks a column of its schema, or has two of one name."""
    if not set(columns) & set(schema.columns):
        # Without a header line the names would be cells; they are not repeated.
        expected = listed(list(schema.columns))
        raise UnusableData(f"its first line names no column of its {SCHEMA}; expected {expected}", name)
    if missing := [column for column in schema.columns if column not in columns and column != schema.label]:
        strange = [place for place, column in enumerate(columns, start=1) if column and column not in schema.columns]
        instead = f"; column number {_shown(strange)} of its first line is not in its {SCHEMA}" if strange else ""
        raise UnusableData(f"column {listed(missing)} of its {SCHEMA} is missing{instead}", name)
    if twice := [column for column, count in Counter(columns).items() if count > 1 and column in schema.columns]:
        raise UnusableData(f"column {listed(twice)} is there twice", name)


def _shown(places: Sequence[int]) -> str:
    more = f" and {len(places) - _SHOWN} more" if len(places) > _SHOWN else ""
    return ", ".join(map(str, places[:_SHOWN])) + more
