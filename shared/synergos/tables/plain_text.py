"""Text of which every line is a record: proved many lines at a time, which is quicker than one by one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import IO

from synergos.tables.records import LONGEST_LINE, Body

_BYTES_AT_ONCE = 2**20


def plain_body(binary: IO[bytes], columns: int, delimiter: str) -> Body | None:
    """Count the rows that follow the first line of UTF-8 text; whoever reads them has to count their cells.

    Returns:
        None where not every line is a row, or it cannot be told like this: then :func:`~synergos.tables.records.count_rows` can.
    """
    # Whoever counted its cells has refused one that is longer.
    header = binary.readline(4 * LONGEST_LINE)
    if columns == 1 or b"\r" in header.removesuffix(b"\r\n"):
        return None
    whole, rows, longest = _quoted(columns, delimiter), 0, 0
    for text in _whole_lines(binary):
        if text is None or not _is_plain(text):
            return None
        lines = text.split(b"\n")
        if not all(lines) or b"\r" in lines:
            return None
        if b'"' in text and not all(map(whole.fullmatch, lines)):
            return None
        rows, longest = rows + len(lines), max(longest, max(map(len, lines)))
    return Body(rows, True, longest)


def _quoted(columns: int, delimiter: str) -> re.Pattern[bytes]:
    """A line of so many cells, some of which stand in quotation marks, and none of which has one in it."""
    between = re.escape(delimiter)
    # Nothing that was taken is given back: it would be looked at again only to find out that it is as it was.
    cell = f'(?:"[^"]*+"|[^"{between}]*+)'
    return re.compile(rf"{cell}(?:{between}{cell}){{{columns - 1}}}+\r?".encode())


def _whole_lines(binary: IO[bytes]) -> Iterator[bytes | None]:
    """Some lines at a time, without the end of the last of them; None when one is longer than lines may be."""
    rest = b""
    while chunk := binary.read(_BYTES_AT_ONCE):
        lines, newline, rest = (rest + chunk).rpartition(b"\n")
        if newline:
            yield lines
        elif len(rest) > LONGEST_LINE:
            yield None
            return
    if rest:
        yield rest


def _is_plain(text: bytes) -> bool:
    if b"\0" in text:
        return False
    # A return alone ends a line for some programs; here the last line has lost what follows its own.
    if b"\r" in text and text.count(b"\r") - text.endswith(b"\r") != text.count(b"\r\n"):
        return False
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True
