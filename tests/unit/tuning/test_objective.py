from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from synergos.domain.feature_space import Action
from synergos.domain.study import Direction
from synergos.errors import InvalidRequest
from synergos.learning.metrics import figures
from synergos.tuning.metrics import check_metric
from synergos.tuning.objective import Objective, objective

CLASSIFY, REGRESS = Action.CLASSIFY, Action.REGRESS


def test_it_is_the_mean_over_participants_of_the_mean_over_classes() -> None:
    statistics = [{"f_score": [0.2, 0.4]}, {"f_score": [0.9, 0.6, 0.6]}]

    found = objective("f_score", statistics)

    assert found is not None
    assert found.value == pytest.approx((0.3 + 0.7) / 2)
    assert (found.participants, found.figures) == (2, 5)


def test_what_is_not_defined_does_not_count() -> None:
    statistics: list[dict[str, Any]] = [
        {"roc_auc_score": [None, 0.5]},
        {"roc_auc_score": [None, None]},
        {},
        {"roc_auc_score": None},
    ]

    assert objective("roc_auc_score", statistics) == Objective(0.5, participants=1, figures=1)
    assert objective("roc_auc_score", statistics[1:]) is None
    assert objective("R2", []) is None


def test_single_numbers_are_taken_as_they_are() -> None:
    assert objective("MSE", [{"MSE": 2.0}, {"MSE": 4.0}]) == Objective(3.0, participants=2, figures=2)


def test_a_perfect_model_of_participants_with_one_class_each_is_perfect() -> None:
    """A class that a participant has no rows of has no f score there; it used to count as 0."""
    found = []
    for own in range(3):
        ids, scores = np.full(4, own), np.eye(3)[np.full(4, own)]
        found.append(figures(CLASSIFY, ("a", "b", "c"), ids, ids, scores).statistics)

    assert objective("f_score", found) == Objective(1.0, participants=3, figures=3)


def test_a_class_without_rows_does_not_count_whatever_was_predicted() -> None:
    ids, predicted = np.array([0, 0, 1]), np.array([0, 2, 1])
    found = figures(CLASSIFY, ("a", "b", "c"), ids, predicted, np.eye(3)[predicted]).statistics

    # Of the third class nobody has rows, and one row was taken for it: its f score would be 0.
    assert found["f_score"] == pytest.approx([2 / 3, 1, 0])
    assert objective("f_score", [found]) == Objective((2 / 3 + 1) / 2, participants=1, figures=2)
    assert objective("accuracy", [found]) == Objective((2 / 3 + 1) / 2, participants=1, figures=2)


@pytest.mark.parametrize(
    ("metric", "mode", "action", "expected"),
    [
        ("accuracy", "max", CLASSIFY, ("accuracy", Direction.MAXIMUM)),
        ("f_score", "maximize", CLASSIFY, ("f_score", Direction.MAXIMUM)),
        ("R2", "max", REGRESS, ("R2", Direction.MAXIMUM)),
        ("MSE", "min", REGRESS, ("MSE", Direction.MINIMUM)),
        ("MAE", "minimize", REGRESS, ("MAE", Direction.MINIMUM)),
        # What the original's notebooks send for regressions too.
        ("accuracy", "max", REGRESS, ("R2", Direction.MAXIMUM)),
    ],
)
def test_a_metric_has_its_direction(metric: str, mode: str, action: Action, expected: tuple[str, Direction]) -> None:
    assert check_metric(metric, mode, action) == expected


@pytest.mark.parametrize(
    ("metric", "mode", "action", "field"),
    [
        ("accurracy", "max", CLASSIFY, "metric"),
        ("MSE", "min", CLASSIFY, "metric"),
        ("accuracy", "min", CLASSIFY, "optimize_mode"),
        ("MSE", "max", REGRESS, "optimize_mode"),
        ("accuracy", "most", CLASSIFY, "optimize_mode"),
        # It would mean R2, whose smallest is the worst.
        ("accuracy", "min", REGRESS, "optimize_mode"),
    ],
)
def test_what_makes_no_sense_is_named(metric: str, mode: str, action: Action, field: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        check_metric(metric, mode, action)

    assert refused.value.field == field
