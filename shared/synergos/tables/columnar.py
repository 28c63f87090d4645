"""Parquet and Feather: columns of values with types of their own."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pa_parquet

from synergos.errors import UnusableData
from synergos.tables.data_file import DataFile, unreadable
from synergos.tables.names import normalised
from synergos.tables.source import Cells

_ROWS_AT_A_TIME = 2**16


class _Opened(Protocol):
    """A file of typed columns, as its library sees it."""

    @property
    def names(self) -> Sequence[str]: ...

    @property
    def count(self) -> int: ...

    def batches(self, names: Sequence[str]) -> Iterator[Any]: ...


@dataclass(frozen=True)
class ColumnarFile:
    """A file of typed columns.

    Attributes:
        format: what it is called.
        names: of its columns, as they are written.
    """

    file: DataFile
    format: str
    names: tuple[str, ...]
    count: int
    decimal: str = "."

    @property
    def columns(self) -> tuple[str, ...]:
        """See :class:`~synergos.tables.source.Source`."""
        return tuple(map(normalised, self.names))

    @property
    def name(self) -> str:
        """See :class:`~synergos.tables.source.Source`."""
        return self.file.name

    def batches(self, columns: Sequence[int], numbers: Container[int] = ()) -> Iterator[Sequence[Cells]]:
        """See :class:`~synergos.tables.source.Source`."""
        wanted = [self.names[position] for position in columns]
        with _opened(self.file, self.format) as opened:
            for batch in opened.batches(wanted):
                yield [
                    plain(batch.column(name), self.columns[place], self.file.name)
                    for name, place in zip(wanted, columns, strict=True)
                ]

    def place(self, row: int) -> str:
        """See :class:`~synergos.tables.source.Source`."""
        return f"row {row + 1}"


def plain(cells: Cells, column: str, name: str) -> Cells:
    """Cells as text, booleans or numbers.

    Args:
        column: its name, and ``name`` that of the file, for errors.

    Raises:
        UnusableData: they are something else.
    """
    if pa.types.is_dictionary(cells.type):
        cells = cells.dictionary_decode()
    kind = cells.type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind):
        return cells
    if pa.types.is_decimal(kind):
        return pc.cast(cells, pa.float64(), safe=False)
    no_text = pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_duration(kind)
    try:
        if not no_text:
            return pc.cast(cells, pa.string())
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid):
        pass
    raise UnusableData(f"column {column!r} holds {kind}; expected text or numbers", name)


def open_columnar(file: DataFile, format_: str) -> ColumnarFile:
    """Read what a Parquet or Feather file says of itself.

    Raises:
        UnusableData: it is none.
    """
    with _opened(file, format_) as opened:
        names, count = tuple(opened.names), opened.count
    if len(set(names)) < len(names):
        twice = next(place for place, name in enumerate(names, start=1) if name in names[: place - 1])
        raise UnusableData(f"column number {twice} has the name of another", file.name)
    return ColumnarFile(file, format_, names, count)


@contextmanager
def _opened(file: DataFile, format_: str) -> Iterator[_Opened]:
    try:
        with file.path.open("rb") as binary:
            yield _KINDS[format_](binary)
    except (pa.ArrowException, UnicodeError):
        raise UnusableData(f"is no complete {format_} file", file.name) from None
    except OSError as error:
        if error.errno is None:  # how pyarrow reports damaged content
            raise UnusableData(f"is no complete {format_} file", file.name) from None
        raise unreadable(file.name, error) from error


class _Parquet:
    def __init__(self, binary: Any) -> None:
        self._file = pa_parquet.ParquetFile(binary)
        self.names = self._file.schema_arrow.names
        self.count = self._file.metadata.num_rows

    def batches(self, names: Sequence[str]) -> Iterator[Any]:
        return iter(self._file.iter_batches(_ROWS_AT_A_TIME, columns=list(names)))


class _Feather:
    def __init__(self, binary: Any) -> None:
        self._reader = pa.ipc.open_file(binary)
        self.names = self._reader.schema.names
        self.count = sum(batch.num_rows for batch in self.batches(()))

    def batches(self, names: Sequence[str]) -> Iterator[Any]:
        return (self._reader.get_batch(number) for number in range(self._reader.num_record_batches))


_KINDS: Mapping[str, type[_Parquet] | type[_Feather]] = {"Parquet": _Parquet, "Feather": _Feather}
