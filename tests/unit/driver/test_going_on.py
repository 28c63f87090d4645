"""Whoever interrupts when all has ended is told so."""

from __future__ import annotations

from synergos.driver.going_on import GoingOn


def test_when_nothing_goes_on_that_is_said() -> None:
    assert str(GoingOn()) == "nothing goes on"
