"""Curves over thresholds: what they count, what few rows would be known from, and how they add up."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synergos.domain.feature_space import Action
from synergos.learning.curves import MIRRORED, MOST_CLASSES, THRESHOLDS, added, at, curve_of, shared_thresholds
from synergos.learning.metrics import figures

SCORES = np.array([1.0, 0.96, 0.5, 0.49, 0.001, 0.0])
TRUTH = np.array([True, True, False, True, False, False])


def test_thresholds_fall_from_one_to_nothing() -> None:
    assert list(THRESHOLDS) == sorted(set(THRESHOLDS), reverse=True)
    assert (THRESHOLDS[0], THRESHOLDS[-1]) == (1.0, 0.0)
    assert 0.5 in THRESHOLDS


def test_a_curve_counts_rows_that_score_at_least_so_much() -> None:
    curve = at(curve_of(TRUTH, SCORES), [1.0, 0.95, 0.5, 0.475, 0.001, 0.0])

    assert list(curve.true_positives) == [1, 2, 2, 3, 3, 3]
    assert list(curve.false_positives) == [0, 0, 1, 1, 2, 3]


def test_the_last_threshold_counts_every_row_whatever_it_scores() -> None:
    curve = curve_of(np.array([True, False]), np.array([-0.5, 1.5]))

    assert (curve.true_positives[-1], curve.false_positives[-1]) == (1, 1)


def test_curves_of_several_participants_are_those_of_their_rows_together() -> None:
    both = curve_of(np.tile(TRUTH, 2), np.concatenate([SCORES, SCORES / 2]))
    apart = [curve_of(TRUTH, SCORES), at(curve_of(TRUTH, SCORES / 2), [1.0, 0.5, 0.25, 0.0])]

    assert added(apart) == at(both, [1.0, 0.5, 0.25, 0.0])


@given(
    rows=st.lists(st.tuples(st.integers(0, 100), st.booleans()), min_size=1, max_size=200), minimum=st.integers(1, 12)
)
@settings(max_examples=60, deadline=None)
def test_nothing_follows_of_fewer_rows_than_the_minimum(rows: list[tuple[int, bool]], minimum: int) -> None:
    scores = np.array([score for score, _ in rows]) / 100
    is_predicted = np.array([predicted for _, predicted in rows])

    kept = shared_thresholds(scores, is_predicted, minimum)

    above = [int((scores >= threshold).sum()) for threshold in kept]
    assert all(step >= minimum for step in np.diff([0, *above]))
    assert bool(kept) == (len(rows) >= minimum)
    assert kept == [] or kept[-1] == 0.0
    for threshold in kept:
        for strangers in (is_predicted & (scores < threshold), ~is_predicted & (scores >= threshold)):
            assert strangers.sum() == 0 or strangers.sum() >= minimum or threshold == 0.0


def test_with_enough_rows_a_curve_keeps_steps() -> None:
    scores = np.linspace(0, 1, 1000)

    kept = shared_thresholds(scores, scores >= 0.5, 10)

    assert len(kept) > 20
    assert 0.5 in kept


def test_of_two_classes_the_second_has_a_curve() -> None:
    from sklearn.metrics import roc_auc_score

    scores = np.random.default_rng(7).random((400, 1))
    truth = (scores + np.random.default_rng(8).normal(0, 0.3, (400, 1)) > 0.5).astype(int)

    found = figures(Action.CLASSIFY, ("no", "yes"), truth, (scores > 0.5).astype(int), scores)

    first, second = found.curves
    assert first is None
    assert found.reasons["curves"] == [MIRRORED, None]
    assert second is not None
    rates = [[count / counts[-1] for count in counts] for counts in (second.false_positives, second.true_positives)]
    area = float(np.trapezoid([0, *rates[1]], [0, *rates[0]]))
    assert area == pytest.approx(roc_auc_score(truth.reshape(-1), scores.reshape(-1)), abs=0.005)


@pytest.mark.parametrize(("classes", "curves"), [(3, 3), (MOST_CLASSES, MOST_CLASSES), (MOST_CLASSES + 1, 0)])
def test_each_of_several_classes_has_a_curve_unless_they_are_many(classes: int, curves: int) -> None:
    ids = np.arange(classes)

    found = figures(Action.CLASSIFY, tuple(map(str, ids)), ids, ids, np.eye(classes))

    assert len(found.curves) == curves
    assert ("curves" in found.reasons) == (curves == 0)
    assert all(curve is not None and curve.true_positives[0] == 1 for curve in found.curves)
