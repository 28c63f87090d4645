"""What the rows of one participant count for: all of them, unless they would make nearly all of a mean."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as made_up

from synergos.learning.shares import LARGEST_SHARE, largest_weight


@pytest.mark.parametrize(
    ("rows", "share", "most"),
    [
        ([10, 10], 0.9, None),
        ([90, 10], 0.9, None),
        # 100 of 101 are left of 901: 900 would be nine tenths.
        ([901, 100], 0.9, 900),
        ([10**9, 30, 20], 0.5, 50),
        # Two of three count for 2 each, which is 2 / 5.
        ([100, 100, 1], 0.4, 2),
        # Five cannot all keep below a tenth.
        ([7, 6, 5, 4, 3], 0.1, 3),
        ([10**9, 10], 1.0, None),
        ([], 0.5, None),
        ([0, 0], 0.5, None),
    ],
)
def test_rows_count_up_to_a_share(rows: Sequence[int], share: float, most: int | None) -> None:
    assert largest_weight(rows, share) == most


def test_one_alone_counts_as_it_is() -> None:
    assert min(5, largest_weight([5], LARGEST_SHARE) or 5) == 5


@given(made_up.lists(made_up.integers(1, 10**9), min_size=3, max_size=9), made_up.floats(0.4, 0.99))
def test_nobody_has_more_than_its_share(rows: list[int], share: float) -> None:
    most = largest_weight(rows, share)
    counted = rows if most is None else [min(count, most) for count in rows]

    assert max(counted) <= max(share * sum(counted) * (1 + 1e-9), min(rows))
