"""Who takes answers slowly has half of the places at most, and leaves the others theirs."""

from __future__ import annotations

import pytest

from synergos.program.slow_answers import SlowAnswers


def test_one_address_has_half_of_the_places() -> None:
    places = SlowAnswers(16)

    assert [places.enter("10.0.0.1") for _ in range(10)] == [True] * 8 + [False] * 2
    assert [places.enter("10.0.0.2") for _ in range(7)] == [True] * 7
    assert places.enter("10.0.0.3")
    assert not places.enter("10.0.0.4")


def test_a_place_that_is_given_back_is_the_same_addresss_again() -> None:
    places = SlowAnswers(4)
    assert [places.enter("10.0.0.1") for _ in range(3)] == [True, True, False]

    places.leave("10.0.0.1")

    assert [places.enter("10.0.0.1") for _ in range(2)] == [True, False]


@pytest.mark.parametrize("most", [1, 2, 3])
def test_where_there_are_few_one_is_anybodys(most: int) -> None:
    places = SlowAnswers(most)

    assert places.enter("10.0.0.1")
    assert not places.enter("10.0.0.1")
    assert places.enter("10.0.0.2") is (most > 1)
