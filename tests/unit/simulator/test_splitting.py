"""Row numbers are split without losing or doubling any."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synergos_simulator.datasets.splitting import (
    FAVOURED_SHARE,
    Shares,
    deal,
    even_shares,
    purposes,
    skewed_shares,
)

LABELS = np.repeat([0, 1, 2], 100)


def counts(shares: Shares) -> list[list[int]]:
    hands = deal(LABELS, shares, np.random.default_rng(0))
    return [np.bincount(LABELS[hand], minlength=3).tolist() for hand in hands]


def test_an_even_split_gives_everybody_the_same_of_every_label() -> None:
    assert counts(even_shares(4, 3)) == [[25, 25, 25]] * 4


def test_a_skewed_split_gives_each_participant_labels_of_its_own() -> None:
    assert FAVOURED_SHARE == 0.9
    # Label 2 is dealt to the first participant again.
    assert counts(skewed_shares(2, 3)) == [[90, 10, 90], [10, 90, 10]]


def test_more_participants_than_labels_share_the_favoured_ones() -> None:
    shares = skewed_shares(3, 2)

    assert shares == pytest.approx(np.array([[0.45, 0.05], [0.1, 0.9], [0.45, 0.05]]))


@given(participants=st.integers(1, 8), labels=st.integers(1, 12), skewed=st.booleans(), seed=st.integers(0, 9))
def test_every_row_is_dealt_to_exactly_one_purpose_of_one_participant(
    participants: int, labels: int, skewed: bool, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    rows = rng.integers(0, labels, 150)
    shares = (skewed_shares if skewed else even_shares)(participants, labels)

    hands = deal(rows, shares, rng)
    parts = [part for hand in hands if len(hand) for part in purposes(hand, rows, rng).values()]

    assert shares.sum(axis=0) == pytest.approx(np.ones(labels))
    assert sorted(np.concatenate(parts).tolist()) == list(range(150))


def test_purposes_are_sixty_twenty_twenty_of_every_label() -> None:
    parts = purposes(np.arange(300), LABELS, np.random.default_rng(0))

    assert {name: np.bincount(LABELS[rows]).tolist() for name, rows in parts.items()} == {
        "train": [60] * 3,
        "evaluate": [20] * 3,
        "predict": [20] * 3,
    }


def test_a_rare_label_stays_in_train() -> None:
    labels = np.array([0] * 10 + [1] * 2)

    parts = purposes(np.arange(12), labels, np.random.default_rng(0))

    assert sorted(labels[parts["train"]].tolist()) == [0] * 6 + [1] * 2
