from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from synergos.domain.feature_space import Action
from synergos.learning.areas import pr_auc, roc_auc
from synergos.learning.metrics import COUNTS, LARGEST_MATRIX, RATES, SCORES, Figures, figures

NAMES = {*SCORES, *COUNTS, *RATES}


def column(*values: float) -> NDArray[np.float32]:
    return np.array(values, dtype=np.float32).reshape(-1, 1)


def regression(truth: NDArray[Any] | None, predicted: NDArray[Any]) -> dict[str, Any]:
    return figures(Action.REGRESS, (), truth, predicted, predicted).statistics


def classification(
    labels: str, truth: NDArray[Any] | None, predicted: NDArray[Any], scores: NDArray[Any]
) -> dict[str, Any]:
    whole = figures(Action.CLASSIFY, tuple(labels), truth, predicted, scores)
    assert_every_gap_has_a_reason(whole)
    found = whole.statistics
    assert set(found) == NAMES
    assert {len(values) for values in found.values()} == {max(2, len(labels))}
    return found


def assert_every_gap_has_a_reason(whole: Figures) -> None:
    """A figure that is None has a reason in the same place, and no other has."""
    shown = whole.to_dict()
    assert json.loads(json.dumps(shown, allow_nan=False)) == shown
    flat = {**whole.statistics, **{f"overall.{name}": value for name, value in whole.overall.items()}}
    for name, value in flat.items():
        why = whole.reasons.get(name)
        if name in whole.statistics and isinstance(value, list):
            assert [each is None for each in value] == [each is not None for each in why or [None] * len(value)], name
        else:
            assert (value is None) == (why is not None), name


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
    # Nobody has the third class: what share of its rows was found is no number, and what share was missed is none either.
    assert found["TPRs"] == [0.5, 0.5, None]
    assert found["FNRs"] == [0.5, 0.5, None]
    assert found["TNRs"] == [1.0, 0.5, 0.75]
    assert found["FDRs"] == [0.0, 0.5, 1.0]
    assert found["roc_auc_score"] == [1.0, 0.75, None]
    assert found["pr_auc_score"][0] == 1.0
    assert found["pr_auc_score"][2] is None


def test_a_single_class_leaves_the_areas_undefined() -> None:
    found = classification("ab", column(1, 1), column(1, 0), column(0.9, 0.1))

    assert found["roc_auc_score"] == [None, None]
    assert found["pr_auc_score"] == [None, 1.0]
    assert found["TNRs"] == [0.5, None]
    assert found["FPRs"] == [0.5, None]


def test_a_row_without_a_finite_score_is_not_counted() -> None:
    truth, predicted = np.array([0, 1, 2, 2]), np.array([0, 2, 2, -1])
    scores = np.array([[0.8, 0.1, 0.1], [0.1, 0.2, 0.7], [0.1, 0.2, 0.7], [np.nan, np.nan, np.nan]])

    with_it = figures(Action.CLASSIFY, tuple("abc"), truth, predicted, scores)

    assert with_it == figures(Action.CLASSIFY, tuple("abc"), truth[:3], predicted[:3], scores[:3])
    assert with_it.overall["rows"] == 3
    assert with_it.statistics["TPs"] == [1, 0, 1]
    two = figures(Action.CLASSIFY, tuple("ab"), column(0, 1, 1), column(0, 1, np.nan), column(0.1, 0.9, np.nan))
    assert (two.overall["rows"], two.overall["accuracy"]) == (2, 1.0)


def test_of_a_model_without_any_finite_score_nothing_is_said() -> None:
    whole = figures(Action.CLASSIFY, tuple("ab"), column(1, 0), column(np.nan, np.nan), column(np.nan, np.inf))

    assert_every_gap_has_a_reason(whole)
    assert {value for values in whole.statistics.values() for value in values} == {None}
    assert whole.overall["rows"] == 0
    assert whole.reasons["accuracy"] == ["no row with a label has scores that are finite numbers"] * 2


def test_two_classes_with_two_outputs_are_the_same_as_with_one() -> None:
    truth, probability = np.array([0, 1, 1, 0]), column(0.2, 0.6, 0.3, 0.4)
    predicted = (probability > 0.5).astype(np.float32)

    one = classification("ab", truth, predicted, probability)
    two = classification("ab", truth, predicted.reshape(-1), np.hstack([1 - probability, probability]))

    assert one == two


def test_a_single_label_still_has_two_entries() -> None:
    assert classification("a", column(1, 1), column(1, 1), column(0.9, 0.8))["TPs"] == [0, 2]


def test_a_class_that_nobody_has_and_nobody_predicts_has_no_figure_but_accuracy() -> None:
    found = classification("abc", np.array([0, 1]), np.array([0, 1]), np.eye(3)[[0, 1]])

    assert {name for name, values in found.items() if values[2] is not None} == {
        "accuracy",
        *COUNTS,
        "TNRs",
        "NPVs",
        "FPRs",
    }
    assert found["TPRs"][:2] == [1.0, 1.0]


def test_the_reasons_are_in_words() -> None:
    whole = figures(Action.CLASSIFY, ("a", "b"), np.array([0, 0]), np.array([0, 0]), np.array([[0.9, 0.1], [0.8, 0.2]]))

    assert whole.reasons["TPRs"] == [None, "no row has this class"]
    assert whole.reasons["PPVs"] == [None, "this class is never predicted"]
    assert whole.reasons["TNRs"] == ["every row has this class", None]
    assert whole.reasons["NPVs"] == ["this class is always predicted", None]
    assert whole.reasons["f_score"] == [None, "no row has this class, and it is never predicted"]


def test_all_rows_of_two_classes_together_by_hand() -> None:
    whole = figures(
        Action.CLASSIFY, ("no", "yes"), column(0, 0, 0, 1), column(0, 0, 1, 1), column(0.125, 0.25, 0.75, 0.875)
    )

    assert whole.classes == ("no", "yes")
    assert whole.overall["rows"] == 4
    assert whole.overall["accuracy"] == 0.75
    assert whole.overall["balanced_accuracy"] == pytest.approx((2 / 3 + 1) / 2)
    assert whole.overall["confusion_matrix"] == [[2, 1], [0, 1]]
    # Squared distances 1/64, 1/16, 9/16, 1/64.
    assert whole.overall["brier_score"] == pytest.approx((1 / 64 + 4 / 64 + 36 / 64 + 1 / 64) / 4)
    # Confidences .875 (right), .75 (right), .75 (wrong), .875 (right): the bin of the .75s is 1.5 - 1 off, the other 1.75 - 2.
    assert whole.overall["calibration_error"] == pytest.approx((0.5 + 0.25) / 4)


@pytest.mark.parametrize("classes", [2, 3, 5])
def test_all_figures_agree_with_scikit_learn(classes: int) -> None:
    import sklearn.metrics

    rng = np.random.default_rng(classes)
    scores = rng.dirichlet(np.ones(classes), 200).astype(np.float32)
    truth = np.array([rng.choice(classes, p=row / row.sum()) for row in scores.astype(np.float64)])
    predicted = scores.argmax(axis=1)

    whole = figures(Action.CLASSIFY, tuple("abcde"[:classes]), truth, predicted, scores)

    assert whole.overall["accuracy"] == pytest.approx(sklearn.metrics.accuracy_score(truth, predicted))
    assert whole.overall["balanced_accuracy"] == pytest.approx(
        sklearn.metrics.balanced_accuracy_score(truth, predicted)
    )
    assert whole.overall["confusion_matrix"] == sklearn.metrics.confusion_matrix(truth, predicted).tolist()
    precision, recall, f_score, _ = sklearn.metrics.precision_recall_fscore_support(truth, predicted)
    assert whole.statistics["PPVs"] == pytest.approx(precision)
    assert whole.statistics["TPRs"] == pytest.approx(recall)
    assert whole.statistics["f_score"] == pytest.approx(f_score)
    normalised = scores.astype(np.float64) / scores.astype(np.float64).sum(axis=1, keepdims=True)
    expected = (
        sklearn.metrics.brier_score_loss(truth, normalised[:, 1])
        if classes == 2
        else np.square(normalised - np.eye(classes)[truth]).sum(axis=1).mean()
    )
    assert whole.overall["brier_score"] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("levels", [2, 10, None], ids=["mostly ties", "some ties", "no ties"])
@pytest.mark.parametrize("share", [0.03, 0.5, 0.97])
def test_areas_agree_with_scikit_learn_also_where_scores_are_equal(levels: int | None, share: float) -> None:
    import sklearn.metrics

    rng = np.random.default_rng(4)
    truth = rng.random(300) < share
    scores = np.clip(0.3 * truth + 0.7 * rng.random(300), 0, 1)
    if levels is not None:
        scores = np.round(scores * levels) / levels

    precision, recall, _ = sklearn.metrics.precision_recall_curve(truth, scores)
    assert roc_auc(truth, scores) == pytest.approx(sklearn.metrics.roc_auc_score(truth, scores), abs=1e-12)
    assert pr_auc(truth, scores) == pytest.approx(sklearn.metrics.auc(recall, precision), abs=1e-12)


def test_scores_may_be_as_far_apart_as_numbers_get() -> None:
    truth, scores = np.array([True, False, False]), np.array([1.7e308, 1.6e308, -1.7e308])

    assert (roc_auc(truth, scores), pr_auc(truth, scores)) == (1.0, 1.0)


def test_a_model_that_is_as_sure_as_it_is_right_has_no_calibration_error() -> None:
    truth = np.array([1] * 8 + [0] * 2)
    probability = column(*[0.8] * 10)

    found = figures(Action.CLASSIFY, ("a", "b"), truth, np.ones(10), probability).overall

    assert found["calibration_error"] == pytest.approx(0.0, abs=1e-7)


def test_a_matrix_of_very_many_classes_is_left_out_with_a_reason() -> None:
    labels = tuple(map(str, range(LARGEST_MATRIX + 1)))
    ids = np.arange(len(labels))

    whole = figures(Action.CLASSIFY, labels, ids, ids, np.eye(len(labels)))

    assert whole.overall["confusion_matrix"] is None
    assert_every_gap_has_a_reason(whole)


def test_all_rows_of_a_regression_together() -> None:
    whole = figures(Action.REGRESS, (), column(1, 2, 3, 6), column(1, 2, 4, 4), column(1, 2, 4, 4))

    assert whole.overall == {"rows": 4, "target_mean": 3.0, "target_variance": 3.5}
    assert whole.to_dict()["reasons"] == {}
    assert "classes" not in whole.to_dict()
