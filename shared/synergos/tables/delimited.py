"""Delimited text, gzip or not: checked line by line against its header, then read as columns."""

from __future__ import annotations

import codecs
import gzip
import io
import zlib
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any, cast

import pyarrow as pa
import pyarrow.csv as pa_csv

from synergos.errors import UnusableData
from synergos.tables.cells import USUAL
from synergos.tables.data_file import DataFile, unreadable
from synergos.tables.names import normalised
from synergos.tables.plain_text import plain_body
from synergos.tables.records import NUL, QUOTE, Body, NumberedLines, cells_of, count_rows, counted
from synergos.tables.source import Cells, Expected
from synergos.tables.text_format import DELIMITERS, TextFormat

_SMALLEST_BLOCK, _LARGEST_BLOCK = 2**19, 2**20
_BLOCK_OF_COLUMN = 2**12
"""Bytes of a block for each column: the library has some dozens of blocks in hand, and works at each column of each."""
_PIECE = 2**20
_ROWS_AT_ONCE = 2**13
_BYTES_PER_CHARACTER = 4


@dataclass(frozen=True)
class DelimitedFile:
    """A file of rows of text, each of which has as many cells as the header.

    Attributes:
        header_lines: how many lines the header takes.
        count: of rows; blank lines at the end are none, but for a file of one column.
        is_line_by_line: whether every record is one line.
        block: how many bytes to read at a time; every row is shorter.
    """

    file: DataFile
    format: TextFormat
    columns: tuple[str, ...]
    header_lines: int
    count: int
    is_line_by_line: bool
    block: int

    @property
    def decimal(self) -> str:
        """See :class:`~synergos.tables.source.Source`."""
        return self.format.decimal

    @property
    def name(self) -> str:
        """See :class:`~synergos.tables.source.Source`."""
        return self.file.name

    def batches(self, columns: Sequence[int], numbers: Container[int] = ()) -> Iterator[Sequence[Cells]]:
        """See :class:`~synergos.tables.source.Source`."""
        kinds = {str(place): pa.float64() if place in numbers else pa.string() for place in columns}
        done = 0
        try:
            for batch in self._batches(kinds, 0):
                done += len(batch[0])
                yield batch
        except pa.ArrowInvalid:
            # Nearly always numbers are written so that they are read along with the file; here they are not.
            try:
                yield from self._batches(dict.fromkeys(kinds, pa.string()), done)
            except pa.ArrowInvalid:
                raise self._fault() from None

    def _batches(self, kinds: Mapping[str, object], start: int) -> Iterator[Sequence[Cells]]:
        """The cells from a row on, as these types.

        Raises:
            ArrowInvalid: cells are not of these types.
        """
        at = 0
        for table in _gathered(self._pieces(kinds)):
            first, at = at, at + table.num_rows
            kept = slice(max(start - first, 0), min(at, self.count) - first)
            if kept.stop > kept.start:
                cells = [_whole(table.column(name))[kept] for name in kinds]
                # They are a copy, and nobody needs both while the cells are looked at.
                del table
                yield cells
        # Blank lines at the end are rows to the library.
        if at < self.count:
            raise self._changed()

    def _pieces(self, kinds: Mapping[str, object]) -> Iterator[Any]:
        try:
            with pa.input_stream(str(self.file.path), compression="gzip" if is_gzip(self.file) else None) as stream:
                yield from pa_csv.open_csv(stream, *self._options(kinds))
        except UnicodeError:
            raise self._changed() from None
        except OSError as error:
            raise unreadable(self.file.name, error) from error

    def _fault(self) -> UnusableData:
        """Why text cannot be read as text: not every line has as many cells as the header."""
        try:
            with _lines(self.file, self.format) as lines:
                cells_of(next(lines, ""), lines, self.format.delimiter, self.file.name)
                count_rows(lines, len(self.columns), self.format.delimiter, self.file.name)
        except UnusableData as fault:
            return fault
        return self._changed()

    def _changed(self) -> UnusableData:
        """The failure of a file that cannot be read now: what is wrong with one is found when it is opened."""
        return UnusableData("has changed while it was read; read it again", self.file.name)

    def place(self, row: int) -> str:
        """See :class:`~synergos.tables.source.Source`."""
        if self.is_line_by_line:
            return f"line {self.header_lines + row + 1}"
        with _lines(self.file, self.format) as lines:
            first, _ = next(
                record
                for number, record in enumerate(
                    counted(lines, len(self.columns), self.format.delimiter, self.file.name)
                )
                if number == row + 1
            )
        return f"line {first}"

    def _options(self, kinds: Mapping[str, object]) -> tuple[Any, Any, Any]:
        read = pa_csv.ReadOptions(
            column_names=[str(place) for place in range(len(self.columns))],
            skip_rows=self.header_lines,
            block_size=self.block,
            encoding="utf8" if self.format.encoding == "utf-8" else self.format.encoding,
        )
        parse = pa_csv.ParseOptions(
            delimiter=self.format.delimiter, newlines_in_values=not self.is_line_by_line, ignore_empty_lines=False
        )
        # Text stays exactly as written: what it means depends on the column.
        convert = pa_csv.ConvertOptions(
            column_types=kinds,
            include_columns=list(kinds),
            null_values=sorted(USUAL),
            strings_can_be_null=False,
            decimal_point=self.format.decimal,
        )
        return read, parse, convert


def _gathered(pieces: Iterable[Any]) -> Iterator[Any]:
    """Pieces put together to tables of so many rows that a look at one is cheap beside them."""
    waiting: list[Any] = []
    for piece in pieces:
        waiting.append(piece)
        if sum(one.num_rows for one in waiting) >= _ROWS_AT_ONCE:
            yield _taken_out(waiting)
    if waiting:
        yield _taken_out(waiting)


def _taken_out(waiting: list[Any]) -> Any:
    table = pa.Table.from_batches(waiting)
    waiting.clear()
    return table


def _whole(column: Any) -> Cells:
    return column.chunk(0) if column.num_chunks == 1 else pa.concat_arrays(column.chunks)


def is_gzip(file: DataFile) -> bool:
    """Whether a file is compressed."""
    return file.name.lower().endswith(".gz")


def open_delimited(file: DataFile, written: TextFormat, expected: Expected) -> DelimitedFile:
    """Check a file of delimited text: its header against the columns that are expected, every record against its header.

    Raises:
        UnusableData: names the line and what was expected.
    """
    with _lines(file, written) as lines:
        header = _header(lines, file, written, expected)
        header_lines = lines.number
        body = _plain_body(file, written, len(header)) if header_lines == 1 else None
        body = body or count_rows(lines, len(header), written.delimiter, file.name)
    usual = min(max(_SMALLEST_BLOCK, len(header) * _BLOCK_OF_COLUMN), _LARGEST_BLOCK)
    block = max(usual, 2 * _BYTES_PER_CHARACTER * body.longest)
    return DelimitedFile(file, written, header, header_lines, body.rows, body.is_line_by_line, block)


def _header(lines: NumberedLines, file: DataFile, written: TextFormat, expected: Expected) -> tuple[str, ...]:
    line = next(lines, None)
    if line is None:
        raise UnusableData("is empty", file.name)
    if NUL in line:
        utf16 = _declare("encoding", "utf-16")
        raise UnusableData(f"is no {written.encoding} text; {utf16} if it is that", file.name)
    header = tuple(map(normalised, cells_of(line, lines, written.delimiter, file.name)))
    _check_header(header, line, written, expected, file.name)
    return header


def _plain_body(file: DataFile, written: TextFormat, columns: int) -> Body | None:
    if written.encoding != "utf-8":
        return None
    with _binary(file) as binary:
        return plain_body(binary, columns, written.delimiter)


def _check_header(header: Sequence[str], line: str, written: TextFormat, expected: Expected, name: str) -> None:
    """Refuse a first line that is not the header; by its delimiter, where another would make it one."""
    known = set(expected.names)
    for delimiter, what in DELIMITERS.items() if not known & set(header) else ():
        if known & {normalised(cell.strip().strip(QUOTE)) for cell in line.split(delimiter)}:
            raise UnusableData(
                f"line 1: its cells seem to be separated by {what}; expected {written.separator},"
                f" or {_declare('delimiter', delimiter)}",
                name,
            )
    expected.check(header, name)


@contextmanager
def _lines(file: DataFile, written: TextFormat) -> Iterator[NumberedLines]:
    """The lines of a file, their ends kept.

    Raises:
        UnusableData: it cannot be read, or is no text of its encoding; names the line.
    """
    try:
        with _binary(file) as binary, io.TextIOWrapper(binary, encoding=written.codec, newline="") as text:
            yield NumberedLines(text, file.name)
    except UnicodeError:
        raise _no_text(file, written) from None
    except (gzip.BadGzipFile, EOFError, zlib.error):
        raise UnusableData("is no complete gzip file", file.name) from None
    except OSError as error:
        raise unreadable(file.name, error) from error


def _binary(file: DataFile) -> IO[bytes]:
    return cast(IO[bytes], gzip.open(file.path)) if is_gzip(file) else file.path.open("rb")


def _no_text(file: DataFile, written: TextFormat) -> UnusableData:
    """Why a file is no text of its encoding, and what it may be."""
    with _binary(file) as binary:
        beginning = binary.read(2)
    if beginning in {codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE}:
        return UnusableData(f"is UTF-16; expected {written.encoding}, or {_declare('encoding', 'utf-16')}", file.name)
    line = _first_without_text(file, written)
    where = "" if line is None else f"line {line} "
    other = "cp1252" if written.encoding == "utf-8" else "utf-8"
    return UnusableData(
        f"{where}is no {written.encoding} text; expected that, or {_declare('encoding', other)} (or what it is)",
        file.name,
    )


def _first_without_text(file: DataFile, written: TextFormat) -> int | None:
    """The number of the first line that is no text; a piece at a time is in memory."""
    decoder, line = codecs.getincrementaldecoder(written.codec)(), 1
    with _binary(file) as binary:
        while True:
            piece = binary.read(_PIECE)
            try:
                line += decoder.decode(piece, final=not piece).count("\n")
            except UnicodeDecodeError as error:
                return line + error.object[: error.start].decode(written.encoding, errors="ignore").count("\n")
            except UnicodeError:
                return line
            if not piece:
                return None


def _declare(key: str, value: str) -> str:
    shown = value.replace("\t", "\\t")
    return f'"{key}": "{shown}" in metadata.json'
