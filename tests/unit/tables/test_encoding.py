from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from factories.feature_spaces import features, labels
from synergos.domain.feature_space import Action, CategoricalColumn, FeatureSpace, NumericColumn, Unseen
from synergos.errors import FeatureDrift
from synergos.tables.cells import Levels
from synergos.tables.encoding import encode, never_trained
from synergos.tables.memory import zeros
from synergos.tables.never_trained import NeverTrained

SPACE = FeatureSpace(
    "tabular",
    Action.CLASSIFY,
    features("age", "constant", "sex=f", "sex=m", "weight"),
    labels("0", "1"),
    (5,),
    {"age": NumericColumn(0, 100, 40), "constant": NumericColumn(7, 7, 7), "weight": NumericColumn(50, 100, 75)},
    {"sex": CategoricalColumn(("f", "m"), "m")},
)
NOTHING = [0.4, 0.0, 0.0, 1.0, 0.5]
CELLS = st.lists(
    st.tuples(st.none() | st.floats(-1e9, 1e9), st.none() | st.floats(-1e9, 1e9), st.integers(-1, 2)), min_size=1
)


def numbers(*rows: list[float | None]) -> NDArray[np.float64]:
    return np.array(rows, dtype=np.float64).reshape(len(rows), -1)


def levels(*codes: int, names: tuple[str, ...] = ("f", "m", "x")) -> Levels:
    return Levels(np.array(codes, dtype=np.int32), names)


def close(*rows: list[float]) -> list[list[float]]:
    found: list[list[float]] = np.array(rows, dtype=np.float32).tolist()
    return found


@pytest.mark.parametrize(
    ("numeric", "cells", "categorical"),
    [
        (["age", "weight", "constant"], numbers([None, None, None]), {"sex": levels(-1)}),
        (["age"], numbers([None]), {}),
        ([], np.empty((1, 0)), {"sex": levels(2)}),
        (["other"], numbers([1.0]), {"ward": levels(0)}),
    ],
    ids=["cells", "columns", "a level that nobody trained", "columns of another file"],
)
def test_whatever_is_not_there_is_the_mean_or_the_most_frequent(
    numeric: list[str], cells: NDArray[np.float64], categorical: dict[str, Levels]
) -> None:
    assert encode(numeric, cells, categorical, SPACE).tolist() == close(NOTHING)


def test_values_are_scaled_and_levels_one_hot_in_the_order_of_the_space() -> None:
    found = encode(["weight", "age"], numbers([60.0, 20.0], [110.0, None]), {"sex": levels(0, 1)}, SPACE)

    assert found.dtype == np.float32
    assert found.tolist() == close([0.2, 0, 1, 0, 0.2], [0.4, 0, 0, 1, 1.2])


def test_numbers_that_are_used_up_are_encoded_as_others_are() -> None:
    cells = zeros((2, 300_000), np.float64).T
    cells[:] = np.arange(600_000.0).reshape(cells.shape)
    kept = encode(["age", "weight"], cells, {}, SPACE)

    assert np.array_equal(encode(["age", "weight"], cells, {}, SPACE, uses_up=True), kept)
    assert not cells[1000:260_000].any()


@given(CELLS)
def test_no_row_depends_on_the_rows_beside_it(rows: list[tuple[float | None, float | None, int]]) -> None:
    def encoded(some: list[tuple[float | None, float | None, int]]) -> NDArray[np.float32]:
        return encode(
            ["weight", "age"],
            numbers(*[list(row[:2]) for row in some]),
            {"sex": levels(*(row[2] for row in some))},
            SPACE,
        )

    assert encoded(rows).tobytes() == b"".join(encoded([row]).tobytes() for row in rows)


def test_more_rows_than_are_calculated_at_once_are_all_encoded() -> None:
    ages = np.arange(20_000.0)[:, np.newaxis]

    found = encode(["age"], ages, {}, SPACE)

    np.testing.assert_array_equal(found[:, 0], (ages[:, 0] / 100).astype(np.float32))


def test_a_column_of_another_kind_is_refused_by_name() -> None:
    with pytest.raises(FeatureDrift, match="column 'sex' is numeric here and was categorical at alignment"):
        encode(["sex"], numbers([1.0]), {}, SPACE)
    with pytest.raises(FeatureDrift, match="column 'age' is categorical here and was numeric at alignment"):
        encode([], np.empty((1, 0)), {"age": levels(0)}, SPACE)


def test_rows_with_levels_that_nobody_trained_are_named_by_column() -> None:
    found = never_trained({"sex": levels(2, 0, -1), "ward": levels(0, 0, 0)}, SPACE)

    assert {column: rows.tolist() for column, rows in found.items()} == {"sex": [True, False, False]}


@pytest.mark.parametrize(
    ("unseen", "predicted", "measured", "notes"),
    [
        (
            Unseen.MISSING,
            [True, True, True],
            [True, False, True],
            [
                "sex: a level that nobody trained, counts as missing",
                "target: a label that nobody trained, not measured",
                "",
            ],
        ),
        (
            Unseen.REFUSE,
            [False, True, True],
            [False, False, True],
            [
                "sex: a level that nobody trained, not predicted",
                "target: a label that nobody trained, not measured",
                "",
            ],
        ),
    ],
)
def test_what_becomes_of_each_row_is_said(
    unseen: Unseen, predicted: list[bool], measured: list[bool], notes: list[str]
) -> None:
    found = NeverTrained({"sex": np.array([True, False, False])}, np.array([False, True, False]), unseen)

    assert found.predicted(3).tolist() == predicted
    assert found.measured(3).tolist() == measured
    assert found.notes(3) == notes
