from __future__ import annotations

import unicodedata
from collections.abc import Sequence

import numpy as np
import pytest

from synergos.tables.cells import Levels, level_of, levels_of, number_of, recoded


@pytest.mark.parametrize(
    ("cell", "level"),
    [
        ("1", "1"),
        ("1.0", "1"),
        ("1.00", "1"),
        ("“1”", "1"),
        (" '2' ", "2"),
        ('"3.50"', "3.5"),
        ("-0.0", "0"),
        ("-4.0", "-4"),
        ("10", "10"),
        ("100", "100"),
        ("12345678901234567890.0", "12345678901234567890"),
        ("Barolo ", "Barolo"),
    ],
)
def test_plain_decimals_and_what_stands_in_quotation_marks_are_named_in_one_way(cell: str, level: str) -> None:
    assert level_of(cell) == level


@pytest.mark.parametrize(
    "cell",
    [
        "01",
        "007",
        "00",
        "1E2",
        "1e2",
        "1e400",
        "+1",
        ".5",
        "5.",
        "1,5",
        "1_000",
        "0x10",
        "٣",
        "1.2.3",
        "-",
        "NA",
        "None",
        "null",
        "nan",
        "n/a",
        "inf",
        "true",
        "l'aquila",
        "James'",
        "'tis",
    ],
)
def test_everything_else_is_what_is_written(cell: str) -> None:
    assert level_of(cell) == cell


@pytest.mark.parametrize("cell", ["", "  ", "\u00a0", ' "" ', "“”", "\ufeff", "\t"])
def test_only_a_cell_in_which_nothing_stands_is_missing(cell: str) -> None:
    assert level_of(cell) is None


def test_the_forms_of_a_letter_and_no_break_blanks_are_one() -> None:
    written = "\u00a0Kö\u00a0ln\u202f"

    assert level_of(unicodedata.normalize("NFD", written)) == level_of(written) == "Kö ln"


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        ("1.5", 1.5),
        ("“2”", 2.0),
        ("\u00a03.5 ", 3.5),
        ("+7", 7.0),
        ("007", 7.0),
        (".5", 0.5),
        ("5.", 5.0),
        ("1e3", 1000.0),
        ("1e400", np.inf),
        ("1,200.00", None),
        ("1.200,00", None),
        ("1 200", None),
        ("<5", None),
        (">9000", None),
        ("−400", None),
        ("5 mg", None),
        ("1_000", None),
        ("٣", None),
        ("0x1f", None),
        ("", None),
    ],
)
def test_a_number_is_digits_a_sign_and_a_decimal_mark(cell: str, number: float | None) -> None:
    assert number_of(cell) == number


def test_with_a_decimal_comma_a_point_is_none() -> None:
    assert number_of("1,5", ",") == 1.5
    assert number_of("1.5", ",") is None
    assert number_of("1.200,5", ",") is None


def as_levels(codes: Sequence[int], cells: Sequence[str], missing: frozenset[str] = frozenset()) -> Levels:
    names = [None if (level := level_of(cell)) in missing else level for cell in cells]
    return levels_of(np.array(codes), names)


def test_levels_that_are_numbers_are_ordered_as_numbers() -> None:
    found = as_levels([0, 1, -1, 2, 3], ["10", "2.0", "2", "“10”"])

    assert found.levels == ("2", "10")
    assert found.codes.tolist() == [1, 0, -1, 0, 1]


def test_levels_that_are_words_are_ordered_by_code_point() -> None:
    assert as_levels(range(4), ["b", " é", "B", "'a'"]).levels == ("B", "a", "b", "é")


def test_levels_that_mean_nothing_is_known_are_missing() -> None:
    assert as_levels(range(3), ["a", "?", "-9.0"], frozenset({"?", "-9"})).codes.tolist() == [0, -1, -1]


def test_codes_follow_their_names_into_other_levels() -> None:
    codes = np.array([0, 1, 2, -1], dtype=np.int32)

    assert recoded(codes, ("a", None, "z"), ("x", "a")).tolist() == [1, -1, -1, -1]
