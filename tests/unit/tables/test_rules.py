from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from synergos.tables.rules import UNREADABLE, CellRules, rules_of
from synergos.tables.schema import parse_schema


def rules(column: object, decimal: str = ".", **file_wide: object) -> CellRules:
    content: dict[str, Any] = {"version": 1, "columns": {"a": column}, **file_wide}
    return rules_of(parse_schema(content, "schema.json"), "a", decimal)


def levels(column: object, *cells: str, **file_wide: Any) -> list[object]:
    found = rules(column, ".", **file_wide)
    return [found.level(cell) for cell in cells]


def numbers(column: object, *cells: str, decimal: str = ".", **file_wide: object) -> list[object]:
    found = rules(column, decimal, **file_wide)
    return [found.number(cell) for cell in cells]


def settled(column: object, *values: float) -> tuple[list[float], list[bool]]:
    found, unreadable = rules(column).settled(np.array(values))
    return found.tolist(), unreadable.tolist()


def test_a_category_is_what_is_written_and_only_an_empty_cell_is_nothing() -> None:
    assert levels("category", "NA", "None", " ", "", "01", "1.0") == ["NA", "None", None, None, "01", "1"]


def test_words_for_nothing_are_those_of_the_column_and_of_the_file() -> None:
    column = {"type": "category", "missing": ["?", 9]}

    assert levels(column, "?", "9.0", "NA", "x", missing=["NA"]) == [None, None, None, "x"]


def test_what_is_written_becomes_what_is_meant() -> None:
    column = {"type": "category", "map": {"yes": "Yes", "1": "Yes", "unknown": None}}

    assert levels(column, "yes", "1.00", " yes ", "unknown", "No") == ["Yes", "Yes", "Yes", None, "No"]


def test_a_word_that_means_nothing_is_not_mapped() -> None:
    assert levels({"type": "category", "missing": ["x"], "map": {"x": "y"}}, "x") == [None]


def test_a_level_that_is_not_listed_is_unreadable() -> None:
    column = {"type": "category", "levels": ["A", 1], "map": {"a": "A"}}

    assert levels(column, "A", "a", "1.0", "B", "") == ["A", "A", "1", UNREADABLE, None]


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("yes", "true"),
        ("TRUE", "true"),
        ("1", "true"),
        ("No", "false"),
        ("0.0", "false"),
        ("", None),
        ("2", UNREADABLE),
    ],
)
def test_a_boolean_is_said_in_the_usual_words(cell: str, expected: object) -> None:
    assert levels("boolean", cell) == [expected]


def test_a_boolean_is_said_in_the_participant_s_own_words() -> None:
    column = {"type": "boolean", "map": {"ja": True, "nein": False, "k.A.": None}}

    assert levels(column, "ja", "nein", "k.A.", "yes") == ["true", "false", None, "true"]


def test_an_ordinal_is_a_number_for_each_level() -> None:
    column = {"type": "category", "order": ["low", "medium", "high"], "map": {"hi": "high"}}

    assert numbers(column, "low", "hi", "", "NA") == [0.0, 2.0, None, UNREADABLE]


def test_dates_are_days_since_1970() -> None:
    assert numbers("date", "1970-01-11", "", "n/a", "11.01.1970") == [10.0, None, None, UNREADABLE]
    assert numbers({"type": "date", "format": "%d.%m.%Y"}, "11.01.1970", "1970-01-11") == [10.0, UNREADABLE]


def test_numbers_have_the_usual_words_for_nothing_and_the_declared_ones() -> None:
    column = {"type": "float64", "missing": [-999, "?"]}

    assert numbers(column, "1.5", "NA", "", "null", "-999.0", "?", "<5") == [
        1.5,
        None,
        None,
        None,
        None,
        None,
        UNREADABLE,
    ]


def test_numbers_with_a_decimal_comma_are_read_and_mapped_words_have_a_point() -> None:
    column = {"type": "float64", "map": {"<5": 2.5}}

    assert numbers(column, "1,5", "<5", "1.5", decimal=",") == [1.5, 2.5, UNREADABLE]


def test_units_are_converted_before_bounds_are_kept() -> None:
    column = {
        "type": "float64",
        "unit": "degrees Celsius",
        "convert": {"from": "degrees Fahrenheit", "factor": 0.5, "offset": -16},
        "bounds": {"minimum": 30, "maximum": 45},
    }

    values, unreadable = settled(column, 106.0, 32.0, 92.0)

    np.testing.assert_array_equal(values, [37.0, np.nan, 30.0])
    assert unreadable == [False, True, False]


def test_what_is_outside_the_bounds_can_be_missing() -> None:
    column = {"type": "int32", "bounds": {"minimum": 0, "maximum": 120}, "outside": "missing"}
    values, unreadable = settled(column, -1.0, 0.0, 120.0, 121.0)

    np.testing.assert_array_equal(values, [np.nan, 0.0, 120.0, np.nan])
    assert unreadable == [False] * 4


def test_bounds_of_dates_are_dates() -> None:
    column = {"type": "date", "bounds": {"minimum": "1970-01-02", "maximum": "1970-01-05"}}

    assert settled(column, 0.0, 1.0, 4.0, 4.5)[1] == [True, False, False, True]
