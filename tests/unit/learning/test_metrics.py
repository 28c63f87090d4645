from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from synergos.domain.feature_space import Action
from synergos.learning.metrics import COUNTS, RATES, SCORES, statistics

NAMES = {*SCORES, *COUNTS, *RATES}


def column(*values: float) -> NDArray[np.float32]:
    return np.array(values, dtype=np.float32).reshape(-1, 1)


def regression(truth: NDArray[Any] | None, predicted: NDArray[Any]) -> dict[str, Any]:
    return statistics(Action.REGRESS, (), truth, predicted, predicted)


def classification(
    labels: str, truth: NDArray[Any] | None, predicted: NDArray[Any], scores: NDArray[Any]
) -> dict[str, Any]:
    found = statistics(Action.CLASSIFY, tuple(labels), truth, predicted, scores)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert set(found) == NAMES
    assert {len(values) for values in found.values()} == {max(2, len(labels))}
    return found


def test_regression() -> None:
    found = regression(column(1, 2, 3, 6), column(1, 2, 4, 4))

    # Mean 3: squared distances 4 + 1 + 0 + 9 = 14; errors 0, 0, 1, -2.
    assert found == {"R2": pytest.approx(1 - 5 / 14), "MSE": 1.25, "MAE": 0.75}


def test_regression_of_one_row_or_equal_values_has_no_r2() -> None:
    assert regression(column(1), column(3)) == {"R2": None, "MSE": 4.0, "MAE": 2.0}
    assert regression(column(1, 1), column(1, 1)) == {"R2": None, "MSE": 0.0, "MAE": 0.0}


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_regression_of_a_model_that_diverged_is_undefined(wrong: float) -> None:
    assert regression(column(1, 2), column(1, wrong)) == {"R2": None, "MSE": None, "MAE": None}


def test_without_labels_everything_is_undefined() -> None:
    assert regression(None, column(1)) == {"R2": None, "MSE": None, "MAE": None}
    assert regression(column(), column()) == {"R2": None, "MSE": None, "MAE": None}
    for labels in ("ab", "abc"):
        found = classification(labels, None, np.zeros(2), np.zeros((2, 3)))
        assert all(value is None for values in found.values() for value in values)


def test_two_classes() -> None:
    found = classification("ab", column(0, 0, 0, 1, 1), column(0, 0, 1, 1, 0), column(0.1, 0.2, 0.7, 0.9, 0.4))

    assert (found["TPs"], found["TNs"], found["FPs"], found["FNs"]) == ([2, 1], [1, 2], [1, 1], [1, 1])
    assert found["accuracy"] == [0.6, 0.6]
    assert found["f_score"] == [pytest.approx(2 / 3), 0.5]
    assert found["TPRs"] == [pytest.approx(2 / 3), 0.5]
    assert found["TNRs"] == [0.5, pytest.approx(2 / 3)]
    assert found["PPVs"] == [pytest.approx(2 / 3), 0.5]
    assert found["NPVs"] == [0.5, pytest.approx(2 / 3)]
    assert found["FPRs"] == [0.5, pytest.approx(1 / 3)]
    assert found["FNRs"] == [pytest.approx(1 / 3), 0.5]
    assert found["FDRs"] == [pytest.approx(1 / 3), 0.5]
    # Of the 6 pairs (positive, negative) only (0.4, 0.7) is in the wrong order.
    assert found["roc_auc_score"] == [pytest.approx(5 / 6), pytest.approx(5 / 6)]
    # Class 1 by falling score: P, N, P, N, N: (recall, precision) (0,1) (1/2,1) (1/2,1/2) (1,2/3).
    assert found["pr_auc_score"][1] == pytest.approx(0.5 * 1 + 0.5 * (1 / 2 + 2 / 3) / 2)


def test_several_classes_one_of_them_missing() -> None:
    truth, predicted = np.array([0, 0, 1, 1]), np.array([0, 1, 1, 2])
    scores = np.array([[0.8, 0.1, 0.1], [0.3, 0.5, 0.2], [0.1, 0.7, 0.2], [0.2, 0.2, 0.6]])

    found = classification("abc", truth, predicted, scores)

    assert found["TPs"] == [1, 1, 0]
    assert found["TNs"] == [2, 1, 3]
    assert found["FPs"] == [0, 1, 1]
    assert found["FNs"] == [1, 1, 0]
    assert found["accuracy"] == [0.75, 0.5, 0.75]
    assert found["f_score"] == [pytest.approx(2 / 3), 0.5, 0.0]
    assert found["TPRs"] == [0.5, 0.5, 0.0]
    assert found["TNRs"] == [1.0, 0.5, 0.75]
    assert found["FDRs"] == [0.0, 0.5, 1.0]
    assert found["roc_auc_score"] == [1.0, 0.75, None]
    assert found["pr_auc_score"][0] == 1.0
    assert found["pr_auc_score"][2] is None


def test_a_single_class_leaves_the_areas_undefined() -> None:
    found = classification("ab", column(1, 1), column(1, 0), column(0.9, 0.1))

    assert found["roc_auc_score"] == [None, None]
    assert found["pr_auc_score"] == [None, 1.0]
    assert found["TNRs"] == [0.5, 0.0]


def test_scores_of_a_model_that_diverged_have_no_area() -> None:
    found = classification("ab", column(1, 0), column(0, 0), column(np.nan, np.nan))

    assert found["roc_auc_score"] == [None, None]
    assert found["pr_auc_score"] == [None, None]


def test_two_classes_with_two_outputs_are_the_same_as_with_one() -> None:
    truth, probability = np.array([0, 1, 1, 0]), column(0.2, 0.6, 0.3, 0.4)
    predicted = (probability > 0.5).astype(np.float32)

    one = classification("ab", truth, predicted, probability)
    two = classification("ab", truth, predicted.reshape(-1), np.hstack([1 - probability, probability]))

    assert one == two


def test_a_single_label_still_has_two_entries() -> None:
    assert classification("a", column(1, 1), column(1, 1), column(0.9, 0.8))["TPs"] == [0, 2]
