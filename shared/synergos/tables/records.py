"""Records of delimited text: how many cells each has, and in which line it begins. Nothing is guessed and nothing left out."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import TextIO

from synergos.errors import UnusableData

QUOTE = '"'
NUL = "\0"


LONGEST_LINE = 2 * 2**20
"""Characters: ten thousand columns of two hundred each. A file without line breaks would be in memory as a whole."""


class NumberedLines:
    """Lines of a text: which of them was last, and how many characters there were so far.

    Args:
        name: of the file, for errors.
    """

    def __init__(self, text: TextIO, name: str) -> None:
        self._text = text
        self._name = name
        self.number = 0
        self.characters = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._text.readline(LONGEST_LINE + 1)
        if not line:
            raise StopIteration
        self.number += 1
        if len(line) > LONGEST_LINE:
            raise UnusableData(f"line {self.number} has more than {LONGEST_LINE:,} characters", self._name)
        self.characters += len(line)
        return line


def cells_of(line: str, more: NumberedLines, delimiter: str, name: str) -> list[str]:
    """The cells of the record that begins with ``line``; lines of ``more`` are taken where a cell goes on in them.

    Raises:
        UnusableData: a quotation mark is not closed, or something follows the closing one.
    """
    first = more.number
    try:
        return next(csv.reader(chain([line], more), delimiter=delimiter, strict=True))
    except csv.Error:
        raise UnusableData(
            f"line {first}: a cell in quotation marks is not closed, or something follows its closing mark", name
        ) from None


def counted(lines: NumberedLines, columns: int, delimiter: str, name: str) -> Iterator[tuple[int, int]]:
    """The line each record begins in, and how many cells it has; none where the line is blank.

    Args:
        columns: how many there nearly always are.

    Raises:
        UnusableData: as :func:`cells_of`, or a line is no text.
    """
    whole = _whole_line(columns, delimiter)
    for line in lines:
        if NUL in line:
            raise UnusableData(f"line {lines.number} holds a NUL character; the file is damaged, or no text", name)
        if QUOTE in line:
            first = lines.number
            yield first, columns if whole.fullmatch(line) else len(cells_of(line, lines, delimiter, name))
        else:
            bare = line.rstrip("\r\n")
            yield lines.number, bare.count(delimiter) + 1 if bare else 0


def _whole_line(columns: int, delimiter: str) -> re.Pattern[str]:
    """A record that is one line, without a quotation mark in any of its cells; found in half the time that splitting it takes."""
    between = re.escape(delimiter)
    cell = f'(?:"[^"]*"|[^"{between}\\r\\n]*)'
    return re.compile(rf"{cell}(?:{between}{cell}){{{columns - 1}}}(?:\r\n|\r|\n)?")


@dataclass(frozen=True)
class Body:
    """What follows the header of a file of delimited text.

    Attributes:
        rows: how many there are.
        is_line_by_line: whether every record, a blank line among them, is one line.
        longest: how many characters the longest record has.
    """

    rows: int
    is_line_by_line: bool
    longest: int


def count_rows(lines: NumberedLines, columns: int, delimiter: str, name: str) -> Body:
    """Count the rows that follow the header.

    In a file of one column a blank line is a row, in which nothing stands. In others it is none; between rows it is refused.

    Raises:
        UnusableData: a record has other than ``columns`` cells; names its line.
    """
    before, start = lines.number, lines.characters
    rows = records = blank = longest = 0
    for line, cells in counted(lines, columns, delimiter, name):
        records += 1
        longest = max(longest, lines.characters - start)
        start = lines.characters
        if not cells and columns > 1:
            blank = blank or line
            continue
        if blank:
            raise UnusableData(f"line {blank} is blank; expected {columns} cells in every line", name)
        if (cells or 1) != columns:
            what = "more" if cells > columns else "fewer"
            found = f"expected {columns}, found {cells}"
            raise UnusableData(f"line {line} has {what} cells than its header line: {found}", name)
        rows += 1
    return Body(rows, lines.number - before == records, longest)
