"""What a file and its columns may hold, guessed from their cells: a first draft of a schema, for its owner to read and to mend."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import re
import zlib
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from typing import IO, cast

from synergos.errors import UnusableData
from synergos.tables.cells import NO_NUMBER, level_of, number_of
from synergos.tables.data_file import DataFile, unreadable
from synergos.tables.dates import days
from synergos.tables.delimited import is_gzip
from synergos.tables.files import is_text
from synergos.tables.names import normalised
from synergos.tables.records import LONGEST_LINE
from synergos.tables.schema import Column, ColumnType
from synergos.tables.text_format import DELIMITERS, TextFormat

_DATE_FORMATS = (None, "%d.%m.%Y", "%Y/%m/%d", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%d.%m.%Y %H:%M", "%d/%m/%Y %H:%M")
_ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}([T ].*)?", re.ASCII)
_WORDS_OF_BOOLEANS = frozenset({"true", "false", "yes", "no"})
_ID_NAME = re.compile(
    r"(^|[_\s-])(id|ids|uuid|guid|mrn|ssn|iban|email|e-mail|phone|name)$|^(id|uuid|pid)([_\s-]|$)", re.IGNORECASE
)
_WITH_COMMA = re.compile(r"[+-]?[0-9]+,[0-9]+")
_WITH_POINT = re.compile(r"[+-]?[0-9]+\.[0-9]+")
_SAMPLE, _LINES = 2**20, 200
_CODE = re.compile(r"[+-]?0[0-9]+")
_MOST_WORDS_FOR_NOTHING = 3
_LEAST_SHARE_OF_NUMBERS = 0.8
_MOST_CLASSES = 10
_INT32 = 2.0**31


def guess_column(name: str, cells: Mapping[str, int], decimal: str = ".") -> Column:
    """What a column may hold.

    Args:
        cells: how often each distinct cell is there.
        decimal: the decimal mark of numbers.
    """
    filled = {cell: count for cell, count in cells.items() if level_of(cell) is not None}
    # What has no name is a frame's index, written along.
    if not filled or not name:
        return Column(kind=ColumnType.IGNORE)
    words = {(level_of(cell) or "").lower() for cell in filled}
    if words <= _WORDS_OF_BOOLEANS:
        return Column(kind=ColumnType.BOOLEAN)
    if _is_id(name, filled, decimal):
        return Column(kind=ColumnType.ID)
    return _dates(filled) or _numbers(filled, decimal) or Column(kind=ColumnType.CATEGORY)


def guess_label(cells: Mapping[str, int], decimal: str = ".") -> Column:
    """What a label may be: a number, when its cells are numbers of more than a few values, else a category."""
    found = _numbers({cell: count for cell, count in cells.items() if level_of(cell) is not None}, decimal)
    values = {number_of(cell, decimal) for cell in cells} - {None}
    is_class = len(values) <= _MOST_CLASSES and all(value is not None and value.is_integer() for value in values)
    return Column(kind=ColumnType.CATEGORY) if found is None or is_class else found


def guess_format(file: DataFile) -> TextFormat:
    """How the rows of a text file seem to be written, by its first lines; as usual where it is no text file.

    Raises:
        UnusableData: it cannot be read.
    """
    if not is_text(file.name):
        return TextFormat()
    encoding = _encoding(file)
    lines = _first_lines(file, encoding)
    delimiter = max(DELIMITERS, key=lambda sign: lines[0].count(sign) if lines else 0)
    cells = [cell for line in lines[1:] for cell in line.split(delimiter)]
    with_comma = sum(_WITH_COMMA.fullmatch(cell.strip().strip('"')) is not None for cell in cells)
    with_point = sum(_WITH_POINT.fullmatch(cell.strip().strip('"')) is not None for cell in cells)
    return TextFormat(delimiter, encoding, "," if delimiter != "," and with_comma > with_point else ".")


def header_of(file: DataFile, written: TextFormat) -> list[str]:
    """What the first line of a text file calls its columns; nothing where it is no text file.

    Raises:
        UnusableData: it cannot be read.
    """
    lines = _first_lines(file, written.codec) if is_text(file.name) else []
    return list(map(normalised, next(csv.reader(lines[:1], delimiter=written.delimiter), [])))


def _encoding(file: DataFile) -> str:
    with _opened(file) as binary:
        content = binary.read(_SAMPLE)
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    try:
        # The sample may end within a letter.
        codecs.getincrementaldecoder("utf-8")().decode(content)
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def _first_lines(file: DataFile, encoding: str) -> list[str]:
    with (
        _opened(file) as binary,
        io.TextIOWrapper(binary, "utf-8-sig" if encoding == "utf-8" else encoding, "replace") as text,
    ):
        lines = iter(lambda: text.readline(LONGEST_LINE), "")
        return [line.rstrip("\r\n") for line in islice(lines, _LINES)]


@contextmanager
def _opened(file: DataFile) -> Iterator[IO[bytes]]:
    try:
        with cast(IO[bytes], gzip.open(file.path)) if is_gzip(file) else file.path.open("rb") as binary:
            yield binary
    except (gzip.BadGzipFile, EOFError, zlib.error):
        raise UnusableData("is no complete gzip file", file.name) from None
    except OSError as error:
        raise unreadable(file.name, error) from error


def _is_id(name: str, cells: Mapping[str, int], decimal: str) -> bool:
    """Whether cells tell rows apart: a name that says so, or text that is nearly always another one."""
    rows = sum(cells.values())
    is_text = any(number_of(cell, decimal) is None or _CODE.fullmatch(cell.strip()) for cell in cells)
    if _ID_NAME.search(name) and len(cells) == rows:
        return True
    return is_text and rows > 2 and 2 * len(cells) > rows and not _dates(cells) and _numbers(cells, decimal) is None


def _dates(cells: Collection[str]) -> Column | None:
    texts = [cell.strip() for cell in cells if cell.strip().lower() not in NO_NUMBER]
    for written in _DATE_FORMATS if texts else ():
        if written is None and not all(map(_ISO_DATE.fullmatch, texts)):
            continue
        if all(days(text, written) is not None for text in texts):
            return Column(kind=ColumnType.DATE, format=written)
    return None


def _numbers(cells: Mapping[str, int], decimal: str) -> Column | None:
    """Numbers, when there are few other words, which then stand for nothing."""
    words = [cell for cell in cells if (level_of(cell) or "").lower() not in NO_NUMBER]
    numbers = {cell: value for cell in words if (value := number_of(cell, decimal)) is not None}
    others = sorted({level for cell in words if cell not in numbers and (level := level_of(cell))})
    share = sum(cells[cell] for cell in numbers) / sum(cells[cell] for cell in words) if words else 0.0
    if not numbers or len(others) > _MOST_WORDS_FOR_NOTHING or share < _LEAST_SHARE_OF_NUMBERS:
        return None
    if any(_CODE.fullmatch(cell.strip()) for cell in numbers):
        return None
    # A word with a digit in it, as <5, is a value that is not written as a number: nothing is to be lost by a guess.
    return Column(kind=_width(numbers), missing=tuple(word for word in others if not any(map(str.isdigit, word))))


def _width(numbers: Mapping[str, float]) -> ColumnType:
    is_whole = all(value.is_integer() for value in numbers.values())
    if is_whole and len(set(numbers.values())) <= 2:
        # 0 and 1 are two kinds of rows more often than two numbers.
        return ColumnType.CATEGORY
    if not is_whole or any("." in cell or "," in cell for cell in numbers):
        return ColumnType.FLOAT64
    largest = max(abs(value) for value in numbers.values())
    return ColumnType.INT32 if largest < _INT32 else ColumnType.INT64
