from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from synergos.tables.cells import as_levels, as_numbers, canonical, recoded


@pytest.mark.parametrize(
    ("cell", "level"),
    [
        ("1", "1"),
        ("1.0", "1"),
        ("“1”", "1"),
        (" '2' ", "2"),
        ('"3.50"', "3.5"),
        ("-0.0", "0"),
        ("007", "7"),
        ("1e2", "100"),
        ("1e400", "1e400"),
        ("12345678901234567890", "12345678901234567890"),
        ("Barolo ", "Barolo"),
        ("l'aquila", "l'aquila"),
        ("1_000", "1_000"),
        ("٣", "٣"),
        ("", None),
        (' "" ', None),
        ("NaN", None),
        ("n/a", None),
        ("None", None),
    ],
)
def test_a_level_has_one_way_to_be_written(cell: str, level: str | None) -> None:
    assert canonical(cell) == level


def test_levels_that_are_numbers_are_ordered_as_numbers() -> None:
    codes, levels = as_levels(pd.Series(["10", "2.0", None, "2", "“10”"], dtype="str"))

    assert levels == ("2", "10")
    assert codes.tolist() == [1, 0, -1, 0, 1]


def test_levels_that_are_words_are_ordered_by_code_point() -> None:
    assert as_levels(pd.Series(["b", " é", "B", "'a'"], dtype="str"))[1] == ("B", "a", "b", "é")


def test_what_is_no_number_is_missing() -> None:
    codes, levels = as_levels(pd.Series(["1,5", "“2”", "x", " 3.5 ", "inf", None, "1e400"], dtype="str"))

    np.testing.assert_array_equal(as_numbers(codes, levels), [np.nan, 2.0, np.nan, 3.5, np.nan, np.nan, np.nan])


def test_codes_follow_their_names_into_other_levels() -> None:
    codes = np.array([0, 1, 2, -1], dtype=np.int32)

    assert recoded(codes, ("a", None, "z"), ("x", "a")).tolist() == [1, -1, -1, -1]
