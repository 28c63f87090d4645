"""Requests with long bodies are read by some threads at a time, and into so much memory."""

from __future__ import annotations

from synergos.program.long_bodies import Entry, LongBodies

IN, NONE, NONE_FOR_ADDRESS = Entry.IN, Entry.NONE, Entry.NONE_FOR_ADDRESS


def test_only_so_many_are_let_in() -> None:
    bodies = LongBodies(2)

    assert [bodies.enter(length, "a") for length in (10**12, None, 1)] == [IN, IN, NONE]
    bodies.leave(None, "a")
    assert bodies.enter(1, "a") is IN


def test_they_bring_only_so_much_together_whatever_the_first_one_says() -> None:
    bodies = LongBodies(9, in_all=100, unsaid=60)

    assert [bodies.enter(150, "a"), bodies.enter(1, "b")] == [IN, NONE]
    bodies.leave(150, "a")
    assert [bodies.enter(None, "a"), bodies.enter(40, "b"), bodies.enter(1, "c")] == [IN, IN, NONE]


def test_an_address_has_half_of_the_bytes_at_most_so_that_others_have_some() -> None:
    bodies = LongBodies(9, in_all=100)

    assert [bodies.enter(25, "a") for _ in range(3)] == [IN, IN, NONE_FOR_ADDRESS]
    assert bodies.enter(50, "b") is IN
    bodies.leave(25, "a")
    assert bodies.enter(25, "a") is IN


def test_an_address_has_half_of_the_places_at_most_and_always_one() -> None:
    bodies = LongBodies(4, in_all=100)
    assert [bodies.enter(1, address) for address in "aaab"] == [IN, IN, NONE_FOR_ADDRESS, IN]

    assert LongBodies(1, in_all=100).enter(90, "a") is IN
