"""Requests with long bodies are read by some threads at a time, and into so much memory."""

from __future__ import annotations

from synergos.program.long_bodies import LongBodies


def test_only_so_many_are_let_in() -> None:
    bodies = LongBodies(2)

    assert [bodies.enter(10**12), bodies.enter(None), bodies.enter(1)] == [True, True, False]
    bodies.leave(None)
    assert bodies.enter(1)


def test_they_bring_only_so_much_together_whatever_the_first_one_says() -> None:
    bodies = LongBodies(9, in_all=100, unsaid=60)

    assert [bodies.enter(150), bodies.enter(1)] == [True, False]
    bodies.leave(150)
    assert [bodies.enter(None), bodies.enter(40), bodies.enter(1)] == [True, True, False]
