from __future__ import annotations

from contextlib import ExitStack

import pytest

from synergos.rest.waiting_places import WaitingPlaces


def test_one_caller_takes_so_many_and_leaves_the_others_theirs() -> None:
    places = WaitingPlaces(3, of_one=2)
    with ExitStack() as held:
        taken = [held.enter_context(places.taken(who)) for who in ("a", "a", "a", "b", "b")]

    assert taken == [True, True, False, True, False]


def test_a_place_is_left_whatever_happens_and_nobody_is_remembered() -> None:
    places = WaitingPlaces(1, of_one=1)
    with pytest.raises(KeyError), places.taken("a"):
        raise KeyError

    with places.taken("b") as has_place:
        assert has_place
    assert not places._taken
