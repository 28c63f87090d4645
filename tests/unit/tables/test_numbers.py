from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synergos.tables.cells import number_of
from synergos.tables.numbers import Numbers, Words, numbers_of


def parsed(cells: Sequence[str | None], *words: str, decimal: str = ".") -> Numbers:
    return numbers_of(pa.array(cells, pa.string()), Words.of(words), decimal)


@pytest.mark.parametrize("also", ["", " 7 ", "<5"])
def test_the_usual_words_are_missing_however_the_rest_is_written(also: str) -> None:
    words = ["", "NA", "na", "NaN", "nan", "NULL", "null", "None", "n/a", "N/A", "#N/A", "<NA>", "-nan"]

    found = parsed([*words, also, None])

    assert np.isnan(found.values[: len(words)]).all()
    assert not found.unreadable[: len(words)].any()
    assert not found.unreadable[-1]


def test_what_is_no_number_is_unreadable_and_not_missing() -> None:
    found = parsed(["1", "1,200.00", "<5", ">9000", "−400", "5 mg", "x", "NA"])

    assert found.unreadable.tolist() == [False, True, True, True, True, True, True, False]
    assert np.isnan(found.values[1:]).all()


def test_words_and_codes_of_the_owner_are_missing_by_text_or_by_value() -> None:
    found = parsed(["-999", "-999.0", "-9990", ".", "?", "Ｎ．Ａ．", "3"], "-999", ".", "?", "Ｎ．Ａ．")

    assert np.isnan(found.values).tolist() == [True, True, False, True, True, True, False]
    assert not found.unreadable.any()


@pytest.mark.parametrize("cell", ["inf", "-Infinity", "1e400", " inf ", "+inf"])
def test_infinite_numbers_are_neither_missing_nor_unreadable(cell: str) -> None:
    found = parsed([cell, "1", "x"])

    assert np.isinf(found.values[0])
    assert found.unreadable.tolist() == [False, False, True]


def test_decimal_commas_are_read_where_they_are_declared() -> None:
    found = parsed(["1,5", "-2", "1.5", "1.200,5", "", " 3,25 ", "-999,0"], "-999", decimal=",")

    np.testing.assert_array_equal(found.values, [1.5, -2.0, np.nan, np.nan, np.nan, 3.25, np.nan])
    assert found.unreadable.tolist() == [False, False, True, True, False, False, False]


def test_cells_that_a_decimal_comma_would_explain_are_counted() -> None:
    assert parsed(["1,5", "2,25", "1,200.0", "7"]).with_commas == 2


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        (pa.array([1, None, 3], pa.int64()), [1.0, np.nan, 3.0]),
        (pa.array([True, False, None]), [1.0, 0.0, np.nan]),
        (pa.array([0.5, float("nan")], pa.float32()), [0.5, np.nan]),
        (pa.array([-999], pa.int16()), [np.nan]),
    ],
)
def test_columns_with_a_type_are_numbers_already(cells: object, values: list[float]) -> None:
    np.testing.assert_array_equal(numbers_of(cells, Words.of(["-999"]), ".").values, values)


@given(st.lists(st.text(alphabet="0123456789.,eE+- \u00a0<", max_size=6), max_size=8))
def test_many_cells_at_once_mean_what_each_means_alone(cells: list[str]) -> None:
    found = parsed(cells)

    for cell, value, unreadable in zip(cells, found.values.tolist(), found.unreadable.tolist(), strict=True):
        alone = number_of(cell)
        if alone is None:
            assert np.isnan(value)
            assert unreadable == bool(cell.strip())
        else:
            assert (value, unreadable) == (alone, False)
