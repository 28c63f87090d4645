"""Which row goes to whom. Row numbers in, row numbers out; every row lands in exactly one place."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int64]
Shares = NDArray[np.float64]

FAVOURED_SHARE = 0.9
"""How much of a label goes to the participants that favour it, when labels are skewed."""
EVALUATE_SHARE = PREDICT_SHARE = 0.2


def even_shares(participants: int, labels: int) -> Shares:
    """Everybody gets the same part of every label. Shape (participants, labels); columns add up to 1."""
    return np.full((participants, labels), 1 / participants)


def skewed_shares(participants: int, labels: int) -> Shares:
    """Every participant favours some labels and gets little of the others. Shape as in :func:`even_shares`.

    Labels are dealt to participants in turn, and participants to labels where there are more participants. Nobody
    is left without a label altogether: a model of one participant alone then still knows all of them.
    """
    if participants == 1:
        return even_shares(participants, labels)
    turns = np.arange(max(participants, labels))
    favours = np.zeros((participants, labels), dtype=bool)
    favours[turns % participants, turns % labels] = True
    favourers = favours.sum(axis=0)
    everyone = favourers == participants
    others = np.where(everyone, 1, participants - favourers)
    favoured = np.where(everyone, 1.0, FAVOURED_SHARE)
    shares: Shares = np.where(favours, favoured / favourers, (1 - favoured) / others)
    return shares


def deal(labels: Rows, shares: Shares, rng: np.random.Generator) -> list[Rows]:
    """Split the rows over participants, label by label.

    Args:
        labels: label number of each row.
        shares: as made by :func:`even_shares`.

    Returns:
        Row numbers for each participant, in ascending order.
    """
    dealt: list[list[Rows]] = [[] for _ in shares]
    for label in range(shares.shape[1]):
        rows = rng.permutation(np.flatnonzero(labels == label))
        cuts = np.rint(np.cumsum(shares[:-1, label]) * len(rows)).astype(np.int64)
        for hand, part in zip(dealt, np.split(rows, cuts), strict=True):
            hand.append(part)
    return [np.sort(np.concatenate(hand)) for hand in dealt]


def purposes(rows: Rows, labels: Rows, rng: np.random.Generator) -> dict[str, Rows]:
    """Split one participant's rows into ``train`` (at least 60 %), ``evaluate`` and ``predict`` (at most 20 % each).

    A label with few rows keeps them in ``train``: what was never trained on cannot be measured.
    """
    parts: dict[str, list[Rows]] = {"train": [], "evaluate": [], "predict": []}
    for label in np.unique(labels[rows]):
        mixed = rng.permutation(rows[labels[rows] == label])
        evaluate, predict = int(len(mixed) * EVALUATE_SHARE), int(len(mixed) * PREDICT_SHARE)
        parts["evaluate"].append(mixed[:evaluate])
        parts["predict"].append(mixed[evaluate : evaluate + predict])
        parts["train"].append(mixed[evaluate + predict :])
    return {purpose: np.sort(np.concatenate(chosen)) for purpose, chosen in parts.items()}
