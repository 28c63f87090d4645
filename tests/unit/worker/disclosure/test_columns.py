from __future__ import annotations

import numpy as np
import pytest

from synergos.domain.preparation import Sums
from synergos_worker.disclosure import rounding
from synergos_worker.disclosure.columns import NOTHING, count_shown, is_identifier, levels_shown, sums_shown
from synergos_worker.disclosure.rows import are_enough


@pytest.mark.parametrize(
    ("value", "below", "above"),
    [
        (57.3, 57, 58),
        (-57.3, -58, -57),
        (0.01234, 0.012, 0.013),
        (0.29, 0.29, 0.29),
        (99.5, 99, 100),
        (1e-300, 1e-300, 1e-300),
        (0, 0, 0),
        (184467, 180000, 190000),
    ],
)
def test_extremes_are_rounded_outwards_to_two_digits(value: float, below: float, above: float) -> None:
    assert (rounding.down(value), rounding.up(value)) == (below, above)


def test_rounding_stays_among_the_numbers_there_are() -> None:
    assert rounding.up(1.79e308) == 1.79e308


@pytest.mark.parametrize(("value", "told"), [(1234, 1230), (-98765.4, -98800), (999, 999), (0.12345, 0.123)])
def test_sums_are_rounded_to_three_digits(value: float, told: float) -> None:
    assert rounding.nearest(value) == told


def test_a_range_is_what_enough_rows_lie_below_and_above() -> None:
    cells = np.array([-1e9, *range(100), 1e9, np.nan])

    found = sums_shown(cells, minimum=10)

    # Ten rows lie below 9 (-1e9 and 0 to 8), ten above 90.
    assert found == Sums(102, 4950.0, 9.0, 90.0)


@pytest.mark.parametrize("seed", range(20))
def test_no_extreme_is_told_however_few_the_rows_are(seed: int) -> None:
    rng = np.random.default_rng(seed)
    cells = np.append(rng.normal(50, 5, rng.integers(9, 40)), [1e6, -1e6])

    found = sums_shown(cells, minimum=10)

    assert found.minimum is not None
    assert found.maximum is not None
    assert -110 < found.minimum <= found.maximum < 130


def test_with_too_few_rows_for_both_ends_the_range_is_told_by_the_median() -> None:
    assert sums_shown(np.arange(40.0, 55.0), 10) == Sums(15, 705.0, 0, 94)
    assert sums_shown(-np.arange(40.0, 55.0), 10).minimum == -94
    assert sums_shown(np.zeros(12), 10).maximum == 1


def test_declared_bounds_are_told_and_no_value() -> None:
    cells = np.arange(100.0)

    both = sums_shown(cells, 10, (0.0, 120.0))
    one = sums_shown(cells, 10, (None, 120.0))

    assert (both.minimum, both.maximum) == (0, 120)
    assert (one.minimum, one.maximum) == (10, 120)


def test_a_column_that_few_rows_have_a_cell_in_has_no_statistics() -> None:
    assert sums_shown(np.array([*range(9), *[np.nan] * 100]), minimum=10) == NOTHING


def test_levels_of_few_rows_are_not_told() -> None:
    counts = {"north": 1234, "south": 10, "Ms Jones's": 9}

    assert levels_shown(counts, 10, None) == ("north", "south")
    assert [count_shown(count, 10) for count in counts.values()] == [1230, 10, 0]


def test_levels_that_the_owner_lists_are_told_and_no_others() -> None:
    assert levels_shown({"north": 1234, "south": 3}, 10, ("east", "south")) == ("east", "south")


def test_what_tells_rows_apart_is_an_identifier() -> None:
    assert is_identifier({"a": 1, "b": 1, "c": 2}, rows=4)
    assert not is_identifier({"a": 2, "b": 2, "c": 0}, rows=4)


def test_a_row_counts_once() -> None:
    assert not are_enough([b"a", b"b", b"a", b"b"], 3)
    assert are_enough([b"a", b"b", b"a", b"c"], 3)
