from __future__ import annotations

from collections import Counter

import pytest

from synergos.tables.guess import guess_column, guess_label
from synergos.tables.schema import Column, ColumnType


def guessed(*cells: str, name: str = "a", decimal: str = ".") -> Column:
    return guess_column(name, Counter(cells), decimal)


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["1", "2", "3", ""], ColumnType.INT32),
        (["1", "2", "3000000000"], ColumnType.INT64),
        (["1", "2.0", "3"], ColumnType.FLOAT64),
        (["1", "NA", "3", "4"], ColumnType.INT32),
        (["0", "1", "1", "0"], ColumnType.CATEGORY),
        (["0.0", "1.0", "1.0", "0.0"], ColumnType.CATEGORY),
        (["yes", "No", "YES"], ColumnType.BOOLEAN),
        (["01", "02", "03", "01", "02", "03"], ColumnType.CATEGORY),
        (["a", "b", "a", "b"], ColumnType.CATEGORY),
        (["PID-1", "PID-2", "PID-3"], ColumnType.ID),
        (["2024-01-01", "2024-02-01", ""], ColumnType.DATE),
        (["20240101", "20240201", "20240301"], ColumnType.INT32),
        (["", " "], ColumnType.IGNORE),
    ],
)
def test_a_type_is_guessed_from_cells(cells: list[str], kind: ColumnType) -> None:
    assert guessed(*cells) == Column(kind=kind)


def test_a_label_of_few_whole_numbers_is_a_class_however_they_are_written() -> None:
    assert guess_label(Counter(["0.0", "1.0", "4.0"])).kind is ColumnType.CATEGORY
    assert guess_label(Counter(["PID-1", "PID-2"])).kind is ColumnType.CATEGORY
    assert guess_label(Counter(["0.5", "1.0"])).kind is ColumnType.FLOAT64
    assert guess_label(Counter(map(str, range(30)))).kind is ColumnType.INT32


def test_numbers_that_tell_rows_apart_are_ids_when_their_name_says_so() -> None:
    assert guessed("101", "102", "103", name="patient_id").kind is ColumnType.ID
    assert guessed("101", "102", "103", name="score").kind is ColumnType.INT32


@pytest.mark.parametrize(
    ("cells", "written"),
    [(["13.01.2024", "01.02.2024"], "%d.%m.%Y"), (["13/01/2024"], "%d/%m/%Y"), (["01/13/2024"], "%m/%d/%Y")],
)
def test_the_way_dates_are_written_is_found(cells: list[str], written: str) -> None:
    assert guessed(*cells) == Column(kind=ColumnType.DATE, format=written)


def test_a_rare_word_among_numbers_stands_for_nothing_but_never_one_with_a_digit() -> None:
    numbers = [str(n) for n in range(50)]

    assert guessed(*numbers, "?", "unknown") == Column(kind=ColumnType.INT32, missing=("?", "unknown"))
    assert guessed(*numbers, "<5") == Column(kind=ColumnType.INT32)


def test_a_decimal_comma_is_one_where_it_is_said() -> None:
    assert guessed("1,5", "2,5", "3", decimal=",").kind is ColumnType.FLOAT64
