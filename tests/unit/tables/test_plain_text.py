from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synergos.errors import UnusableData
from synergos.tables import plain_text
from synergos.tables.plain_text import plain_body
from synergos.tables.records import LONGEST_LINE, Body, NumberedLines, count_rows


def by_line(text: str, columns: int) -> Body | None:
    """What is counted line by line; None where a line has too many cells or too few, which is told later otherwise."""
    lines = NumberedLines(io.StringIO(text, newline=""), "rows.csv")
    next(lines)
    try:
        return count_rows(lines, columns, ",", "rows.csv")
    except UnusableData:
        return None


@pytest.mark.parametrize(
    ("rows", "count"),
    [
        ("", 0),
        ("1,2\n", 1),
        ("1,2\n3,4", 2),
        ("1,2\r\n3,4\r\n", 2),
        (",\n,\n", 2),
        ("ä,ö\n3,4\n", 2),
        ("1,2\n\n3,4\n", None),
        ("1,2\n\n", None),
        ('1,"2"\n', 1),
        ('"1","2"\r\n"","a;b"\r\n', 2),
        ('"1,2",\n1,"2"', 2),
        ('1,"2"\n"3"\n', None),
        ('1,"2"\n3,"4",5\n', None),
        ('1,"2\n3,4"\n', None),
        ('1,"2""3"\n', None),
        ('1,"2" \n', None),
        ('1,2"\n', None),
        ("1,2\r3,4\r", None),
        ("1,\0\n", None),
    ],
)
def test_rows_are_counted_where_all_of_them_are_plain(rows: str, count: int | None) -> None:
    found = plain_body(io.BytesIO(f"a,b\n{rows}".encode()), 2, ",")

    assert (None if found is None else found.rows) == count


def test_what_is_no_utf_8_is_left_to_the_lines() -> None:
    assert plain_body(io.BytesIO("a,b\nä,1\n".encode("cp1252")), 2, ",") is None


def test_cells_are_parted_by_what_the_file_says() -> None:
    assert plain_body(io.BytesIO(b'a;b\n"1,2";3\n'), 2, ";") == Body(1, True, 7)
    assert plain_body(io.BytesIO(b'a;b\n"1;2",3\n'), 2, ";") is None


@given(st.text(alphabet='1,\n\ré"', max_size=30), st.integers(1, 9))
def test_what_is_proved_at_once_is_what_is_counted_line_by_line(rows: str, at_once: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plain_text, "_BYTES_AT_ONCE", at_once)
        found = plain_body(io.BytesIO(f"a,b\n{rows}".encode()), 2, ",")

    if found is not None:
        assert all(
            len(list(csv.reader([line], strict=True))) == 1 for line in rows.removesuffix("\n").split("\n") if line
        )
    expected = by_line(f"a,b\n{rows}", 2)
    if found is not None and expected is not None:
        assert (found.rows, found.is_line_by_line) == (expected.rows, expected.is_line_by_line)
        assert found.longest + 2 >= expected.longest


def test_a_line_that_goes_on_and_on_is_refused_before_it_is_in_memory() -> None:
    longest = "x" * (LONGEST_LINE - 2)
    text = f"a,b\n{longest},\n"
    for body in (by_line(text, 2), plain_body(io.BytesIO(text.encode()), 2, ",")):
        assert body is not None
        assert body.rows == 1

    endless = io.StringIO("a,b\n1,2\n" + "x" * (2 * LONGEST_LINE), newline="")
    lines = NumberedLines(endless, "rows.csv")
    next(lines)
    with pytest.raises(UnusableData, match=r"^rows\.csv: line 3 has more than 2,097,152 characters$"):
        count_rows(lines, 2, ",", "rows.csv")
    assert endless.tell() < 1.1 * LONGEST_LINE

    class Endless(io.RawIOBase):
        """Says the same for ever."""

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: Any) -> int:
            buffer[:] = b"x" * len(buffer)
            return len(buffer)

    with io.BufferedReader(Endless()) as binary:
        assert plain_body(binary, 2, ",") is None
