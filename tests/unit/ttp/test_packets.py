"""Packets become smaller on a line that swallows large ones, and stay as they are on one that was cut."""

from __future__ import annotations

from synergos_ttp.workers.packets import Packets

HOST = "10.0.0.12"


def test_a_line_that_falls_silent_at_once_gets_smaller_packets_and_then_the_smallest() -> None:
    packets = Packets()
    found = [packets.largest(HOST)]
    for _ in range(3):
        packets.fell_silent(HOST)
        found.append(packets.largest(HOST))

    assert found == [None, 1160, 536, 536]
    assert packets.largest("10.0.0.13") is None


def test_a_line_by_which_large_packets_have_passed_was_cut() -> None:
    packets = Packets()
    packets.passed(HOST)
    packets.fell_silent(HOST)

    assert packets.largest(HOST) is None


def test_one_that_falls_silent_again_before_anything_has_passed_may_have_become_another() -> None:
    packets = Packets()
    packets.passed(HOST)
    packets.fell_silent(HOST)
    packets.fell_silent(HOST)

    assert packets.largest(HOST) == 1160
