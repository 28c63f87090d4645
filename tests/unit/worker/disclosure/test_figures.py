from __future__ import annotations

import numpy as np
import pytest

from synergos.domain.feature_space import Action
from synergos.learning.curves import THRESHOLDS
from synergos.learning.metrics import Figures, figures
from synergos_worker.disclosure.figures import figures_shown
from synergos_worker.disclosure.policy import OPEN, STRICT, Policy

FEW = "fewer than 10 true or predicted rows"
WOULD_FOLLOW = "withheld because the figures of another class, which has fewer than 10 rows, would follow from it"


def shown(truth: list[int], predicted: list[int], policy: Policy = STRICT, classes: int | None = None) -> Figures:
    true, guessed = np.array(truth), np.array(predicted)
    classes = classes or max(2, int(true.max()) + 1)
    scores = np.full((len(true), classes), 1 / classes)
    labels = tuple(map(str, range(classes)))
    return figures_shown(figures(Action.CLASSIFY, labels, true, guessed, scores), true, guessed, scores, policy)


def withheld(found: Figures) -> list[str | None] | None:
    """Why each class has no true positives; None where all have."""
    reasons: list[str | None] | None = found.reasons.get("TPs")
    return reasons


def test_figures_of_classes_with_enough_rows_are_told() -> None:
    truth = [0] * 20 + [1] * 20

    found = shown(truth, truth)

    assert found.statistics["TPs"] == [20, 20]
    assert withheld(found) is None


def test_of_two_classes_neither_is_told_when_one_is_small() -> None:
    truth = [0] * 40 + [1] * 4

    found = shown(truth, [0] * 30 + [1] * 14)

    assert withheld(found) == [WOULD_FOLLOW, FEW]
    assert all(value == [None, None] for value in found.statistics.values())
    assert found.overall["confusion_matrix"] == [None, None]
    assert found.overall["balanced_accuracy"] is None
    assert found.overall["accuracy"] == 34 / 44


def test_a_class_that_is_hardly_ever_predicted_is_small_too() -> None:
    assert withheld(shown([0] * 40 + [1] * 40, [0] * 75 + [1] * 5)) == [WOULD_FOLLOW, FEW]


def test_a_small_class_takes_the_next_small_one_with_it_so_that_it_cannot_be_counted() -> None:
    truth = [0] * 40 + [1] * 20 + [2] * 3

    found = shown(truth, truth)

    assert withheld(found) == [None, WOULD_FOLLOW, FEW]
    assert found.statistics["TPs"] == [40, None, None]


def test_small_classes_that_are_many_together_hide_each_other() -> None:
    truth = [0] * 40 + [1] * 6 + [2] * 6

    assert withheld(shown(truth, truth)) == [None, FEW, FEW]


def test_a_class_that_nobody_has_leaves_the_others_alone() -> None:
    truth = [0] * 40 + [1] * 20 + [2] * 20
    without = [0] * 40 + [1] * 40

    found = shown(without, without, classes=3)

    assert found.statistics["TPs"] == [40, 40, None]
    assert found.overall["balanced_accuracy"] == 1.0
    assert withheld(shown(truth, truth)) is None


def test_the_rows_and_columns_of_a_matrix_go_with_the_class() -> None:
    truth = [0] * 40 + [1] * 40 + [2] * 40 + [3] * 5 + [4] * 5

    found = shown(truth, truth)

    assert found.overall["confusion_matrix"] == [
        [40, 0, 0, None, None],
        [0, 40, 0, None, None],
        [0, 0, 40, None, None],
        *[None, None],
    ]
    assert found.overall["balanced_accuracy"] is None
    assert set(found.reasons) >= {"overall.confusion_matrix", "overall.balanced_accuracy"}


def test_an_open_worker_tells_everything() -> None:
    truth = [0] * 40 + [1] * 4

    assert shown(truth, truth, OPEN).statistics["TPs"] == [40, 4]


def test_rows_without_labels_have_no_figures_to_withhold() -> None:
    found = figures(Action.CLASSIFY, ("a", "b"), None, np.zeros(3), np.zeros((3, 1)))

    assert figures_shown(found, None, np.zeros(3), np.zeros((3, 1)), STRICT) == found


def test_the_mean_of_the_values_of_a_regression_is_told_to_a_hundredth_of_how_far_they_lie_apart() -> None:
    truth = np.random.default_rng(0).normal(2013.0, 5.0, (50, 1))

    found = figures(Action.REGRESS, (), truth, truth + 1, truth + 1)
    told = figures_shown(found, truth, truth + 1, truth + 1, STRICT)

    step = told.overall["target_mean"] / 0.01
    assert step == pytest.approx(round(step))
    assert told.overall["target_mean"] == pytest.approx(truth.mean(), abs=0.005)
    assert figures_shown(found, truth, truth + 1, truth + 1, OPEN) == found


def with_scores(rows: int, policy: Policy, classes: int = 2) -> Figures:
    """So many rows of each class, most of them right, with scores all over the place."""
    generator = np.random.default_rng(3)
    true = np.repeat(np.arange(classes), rows)
    scores = generator.dirichlet(np.ones(classes), len(true)) + np.eye(classes)[true] / 2
    scores /= scores.sum(axis=1, keepdims=True)
    guessed = scores.argmax(axis=1)
    found = figures(Action.CLASSIFY, tuple(map(str, range(classes))), true, guessed, scores)
    return figures_shown(found, true, guessed, scores, policy)


def test_the_steps_of_a_curve_are_made_of_enough_rows() -> None:
    for curve in with_scores(100, STRICT, classes=3).curves:
        assert curve is not None
        rows = np.add(curve.true_positives, curve.false_positives)
        assert 2 < len(rows) < 30
        assert np.diff([0, *rows]).min() >= 10
        assert (curve.true_positives[-1], curve.false_positives[-1]) == (100, 200)


def test_an_open_worker_tells_a_curve_at_every_threshold() -> None:
    [_, curve] = with_scores(4, OPEN).curves

    assert curve is not None
    assert list(curve.thresholds) == list(THRESHOLDS)


def test_a_class_that_is_withheld_has_no_curve() -> None:
    found = shown([0] * 40 + [1] * 4, [0] * 30 + [1] * 14)

    assert found.curves == (None, None)
    assert found.reasons["curves"] == [WOULD_FOLLOW, FEW]


def test_a_curve_of_which_no_step_has_enough_rows_is_not_told() -> None:
    # All rows score the same: there is nothing between no row and all of them.
    found = shown([0] * 20 + [1] * 20, [0] * 20 + [1] * 20)

    assert found.curves == (None, None)
    assert found.reasons["curves"] == [
        "of two classes this one's is the other's mirror image",
        "no step of it is made of enough rows",
    ]
