"""What is remembered of messages that are done with."""

from __future__ import annotations

from fakes.cluster_ttp import Noted
from synergos_ttp.running.settled_messages import InHand, Settled


def test_a_message_is_remembered_when_it_is_done_with_and_not_when_another_may_have_it() -> None:
    settled, message = Settled(), Noted()

    InHand(message, "a", settled).give_back()
    assert "a" not in settled
    InHand(message, "a", settled).acknowledge()

    assert "a" in settled
    assert message.fate == ["given back", "acknowledged"]


def test_the_last_ones_are_remembered() -> None:
    settled = Settled(most=2)
    for nonce in "abc":
        settled.add(nonce)

    assert [nonce for nonce in "abc" if nonce in settled] == ["b", "c"]
