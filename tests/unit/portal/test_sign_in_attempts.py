"""Who is wrong too often is not asked for, by where they are, before the orchestrator has reason to turn all away."""

from __future__ import annotations

from contextlib import suppress

import pytest

from fakes.clock import Clock
from synergos_portal.orchestrator.problems import Away, NotSignedIn
from synergos_portal.web.sign_ins import FREE_OF_ADDRESS, FREE_OF_NAME, WAIT, Attempts, TooManyWrong


def wrong(attempts: Attempts, name: str | None, address: str = "192.0.2.1", times: int = 1) -> None:
    for _ in range(times):
        with suppress(NotSignedIn), attempts.one("grid", name, address):
            raise NotSignedIn("who?")


def may(attempts: Attempts, name: str | None, address: str = "192.0.2.1") -> bool:
    try:
        with attempts.one("grid", name, address):
            raise Away("it was only tried")
    except TooManyWrong:
        return False
    except Away:
        return True


def test_a_name_is_tried_so_often_from_one_address_and_others_as_before() -> None:
    attempts = Attempts(Clock(0.0))
    wrong(attempts, "lead", times=FREE_OF_NAME)

    assert not may(attempts, "lead")
    assert may(attempts, "other")
    assert may(attempts, "lead", "192.0.2.2")


def test_names_and_tokens_are_tried_so_often_from_one_address() -> None:
    attempts = Attempts(Clock(0.0))
    for number in range(FREE_OF_ADDRESS):
        wrong(attempts, f"name {number}" if number % 2 else None, f"2001:db8::{number}")

    assert not may(attempts, "lead", "2001:db8::ffff")
    assert not may(attempts, None, "2001:db8::ffff")
    assert may(attempts, "lead", "2001:db8:0:1::1")


def test_who_was_right_from_there_is_kept_out_by_nobody_else() -> None:
    attempts = Attempts(Clock(0.0))
    with attempts.one("grid", "lead", "192.0.2.1"):
        pass
    wrong(attempts, None, times=FREE_OF_ADDRESS)

    assert may(attempts, "lead")
    assert not may(attempts, "other")


def test_the_orchestrator_has_forgotten_before_it_may_be_tried_again() -> None:
    clock = Clock(0.0)
    attempts = Attempts(clock)
    wrong(attempts, "lead", times=FREE_OF_NAME)
    clock.now = WAIT - 1
    with pytest.raises(TooManyWrong) as turned_away, attempts.one("grid", "lead", "192.0.2.1"):
        pass
    assert turned_away.value.seconds == 1

    clock.now = WAIT
    wrong(attempts, "lead", times=FREE_OF_NAME - 1)
    assert may(attempts, "lead")


def test_what_is_in_hand_counts_and_what_was_right_or_nobody_answered_does_not() -> None:
    attempts = Attempts(Clock(0.0))
    for _ in range(2 * FREE_OF_ADDRESS):
        with suppress(Away), attempts.one("grid", "lead", "192.0.2.1"):
            raise Away("gone")
        with attempts.one("grid", None, "192.0.2.1"):
            pass
    wrong(attempts, "lead", times=FREE_OF_NAME - 1)
    with attempts.one("grid", "lead", "192.0.2.1"):
        assert not may(attempts, "lead")

    assert may(attempts, "lead")
