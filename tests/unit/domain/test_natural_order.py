from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synergos.domain.natural_order import natural_order


@pytest.mark.parametrize(
    ("levels", "expected"),
    [
        (["10", "9", "1"], ["1", "9", "10"]),
        (["b", "10", "9", "a"], ["9", "10", "a", "b"]),
        (["-1", "0.5", "0"], ["-1", "0", "0.5"]),
        (["b", "a", "B"], ["B", "a", "b"]),
        (["nan", "1", "-inf", "2"], ["1", "2", "-inf", "nan"]),
        (["1_0", "2"], ["2", "1_0"]),
        (["1.0", "2", "1"], ["1", "1.0", "2"]),
        (["1", "1"], ["1"]),
    ],
)
def test_numbers_come_first_and_by_value(levels: list[str], expected: list[str]) -> None:
    assert natural_order(levels) == expected


@given(
    st.lists(st.sampled_from(["0", "2", "10", "a", "B", "nan", "1e3", "-3.5"]), unique=True), st.sets(st.integers(0, 7))
)
def test_some_of_the_levels_come_in_the_order_of_all_of_them(levels: list[str], chosen: set[int]) -> None:
    some = [level for index, level in enumerate(levels) if index in chosen]

    assert natural_order(some) == [level for level in natural_order(levels) if level in some]
