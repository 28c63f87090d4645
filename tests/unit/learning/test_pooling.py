"""Pooled figures are those that all rows in one place would have, over what participants tell of theirs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from msgspec import to_builtins
from numpy.typing import NDArray

from synergos.domain.feature_space import Action
from synergos.domain.outputs import MEASURED, Measured
from synergos.learning.metrics import figures
from synergos.learning.pooling import pooled

LABELS = ("a", "b", "c")
Rows = tuple[NDArray[Any], NDArray[Any]]
"""What is true, and what is predicted: class ids and probabilities (N, C), or values twice."""


def measured(found: Mapping[str, Any], **changes: Any) -> Measured:
    """What a worker answers, as a TTP reads it."""
    return MEASURED.read({**found, "res_path": "x", **changes})


def classified(rows: Rows) -> Measured:
    truth, scores = rows
    return measured(figures(Action.CLASSIFY, LABELS, truth, scores.argmax(axis=1), scores).to_dict())


def regressed(rows: Rows) -> Measured:
    truth, predicted = rows
    return measured(figures(Action.REGRESS, (), truth, predicted, predicted).to_dict())


def of_classes(seed: int, rows: int, classes: int = 3) -> Rows:
    """Rows of the first so many classes."""
    rng = np.random.default_rng(seed)
    return rng.integers(0, classes, rows), rng.dirichlet(np.ones(3), rows)


def together(*parts: Rows) -> Rows:
    return np.concatenate([truth for truth, _ in parts]), np.concatenate([found for _, found in parts])


def test_a_classification_pooled_is_that_of_all_rows() -> None:
    import sklearn.metrics

    parts = [of_classes(1, 40), of_classes(2, 7), of_classes(3, 13, classes=2)]
    whole = classified(together(*parts))

    found = pooled({f"p{number}": classified(rows) for number, rows in enumerate(parts)})

    assert found is not None
    assert (found.participants, found.classes, found.overall.rows) == (("p0", "p1", "p2"), list(LABELS), 60)
    areas = {"roc_auc_score", "pr_auc_score"}
    for name, values in whole.statistics.items():
        assert found.statistics[name] == ([None] * 3 if name in areas else pytest.approx(values)), name
    for name in ("accuracy", "balanced_accuracy", "brier_score"):
        assert getattr(found.overall, name) == pytest.approx(getattr(whole.overall, name)), name
    assert found.overall.confusion_matrix == whole.overall.confusion_matrix  # type: ignore[union-attr]
    truth, scores = together(*parts)
    assert found.overall.accuracy == pytest.approx(sklearn.metrics.accuracy_score(truth, scores.argmax(axis=1)))
    assert found.over["TPRs"] == [3, 3, 3]
    assert (
        found.reasons["roc_auc_score"] == ["it takes the scores of single rows, which stay with their participants"] * 3
    )


def test_counts_by_hand() -> None:
    one = classified((np.array([0, 0, 1]), np.eye(3)[[0, 1, 1]]))
    other = classified((np.array([1, 1]), np.eye(3)[[0, 1]]))

    found = pooled({"p1": one, "p2": other})

    assert found is not None
    assert found.statistics["TPs"] == [1, 2, 0]
    assert found.statistics["FNs"] == [1, 1, 0]
    # The third class has no rows anywhere: no rate, not 0.
    assert found.statistics["TPRs"] == [0.5, pytest.approx(2 / 3), None]
    assert found.reasons["TPRs"] == [None, None, "no row has this class"]
    assert found.overall.accuracy == 0.6
    assert found.overall.balanced_accuracy == pytest.approx((1 / 2 + 2 / 3) / 2)
    assert found.overall.confusion_matrix == [[1, 1, 0], [1, 2, 0], [0, 0, 0]]


def test_what_one_participant_withholds_is_over_the_others() -> None:
    parts = {"p1": of_classes(1, 40), "p2": of_classes(2, 30)}
    guarded = figures(Action.CLASSIFY, LABELS, parts["p2"][0], parts["p2"][1].argmax(axis=1), parts["p2"][1]).to_dict()
    guarded["statistics"] = {name: [values[0], None, None] for name, values in guarded["statistics"].items()}
    guarded["overall"] |= {"confusion_matrix": [[9, None, None], None, None], "balanced_accuracy": None}

    found = pooled({"p1": classified(parts["p1"]), "p2": measured(guarded)})

    alone = classified(parts["p1"])
    assert found is not None
    assert found.over["TPs"] == [2, 1, 1]
    assert found.statistics["TPs"][1:] == alone.statistics["TPs"][1:]  # type: ignore[index]
    assert (found.over["overall.accuracy"], found.over["overall.confusion_matrix"]) == (2, 1)
    assert found.overall.rows == 70


def test_what_nobody_tells_has_a_reason() -> None:
    nothing = {name: [None, 3, 3] for name in ("TPs", "TNs", "FPs", "FNs")}
    told = measured({"statistics": nothing, "classes": list(LABELS), "overall": {"rows": 30, "accuracy": 0.5}})

    found = pooled({"p1": told})

    assert found is not None
    assert found.statistics["TPRs"] == [None, 0.5, 0.5]
    assert found.reasons["TPRs"] == ["no participant tells what it takes", None, None]
    assert found.reasons["overall.brier_score"] == "no participant tells what it takes"
    assert (found.over["TPs"], found.over["overall.brier_score"]) == ([0, 1, 1], 0)


def test_a_regression_pooled_is_that_of_all_rows() -> None:
    import sklearn.metrics

    rng = np.random.default_rng(0)
    parts = []
    for level, rows in ((2000.0, 30), (2010.0, 5), (1995.0, 1)):
        truth = rng.normal(level, 3.0, (rows, 1))
        parts.append((truth, truth + rng.normal(0.5, 2.0, (rows, 1))))
    truth, predicted = together(*parts)

    found = pooled({f"p{number}": regressed(rows) for number, rows in enumerate(parts)})

    assert found is not None
    assert found.statistics["R2"] == pytest.approx(sklearn.metrics.r2_score(truth, predicted))
    assert found.statistics["MSE"] == pytest.approx(sklearn.metrics.mean_squared_error(truth, predicted))
    assert found.statistics["MAE"] == pytest.approx(sklearn.metrics.mean_absolute_error(truth, predicted))
    assert found.overall.target_mean == pytest.approx(truth.mean())
    assert found.overall.target_variance == pytest.approx(truth.var())
    # A row alone has no R2, and counts in that of all all the same.
    assert found.over["R2"] == 3
    assert found.reasons == {}


def test_values_that_are_all_the_same_have_no_r2() -> None:
    found = pooled({"p1": regressed((np.ones((2, 1)), np.zeros((2, 1))))})

    assert found is not None
    assert found.statistics == {"R2": None, "MSE": 1.0, "MAE": 1.0}
    assert found.reasons == {"R2": "all values are the same"}


def test_participants_without_labels_or_of_an_earlier_version_do_not_count() -> None:
    earlier = measured({"statistics": {"R2": 0.5, "MSE": 1.0, "MAE": 1.0}})
    unlabelled = measured(figures(Action.REGRESS, (), None, np.ones(3), np.ones(3)).to_dict())

    assert pooled({"p1": earlier, "p2": unlabelled}) is None
    found = pooled({"p1": earlier, "p2": regressed((np.array([[1.0], [2.0]]), np.array([[1.0], [1.0]])))})
    assert found is not None
    assert (found.statistics["MSE"], found.over["MSE"], found.overall.rows) == (0.5, 1, 2)


def test_pooled_curves_are_those_of_all_rows() -> None:
    parts = [of_classes(1, 40), of_classes(2, 7)]
    whole = classified(together(*parts))

    found = pooled({f"p{number}": classified(rows) for number, rows in enumerate(parts)})

    assert found is not None
    assert found.curves == whole.curves
    assert found.over["curves"] == [2, 2, 2]
    assert found.reasons["curves"] == [None, None, None]


def test_curves_are_pooled_at_the_thresholds_that_all_tell_over_those_that_tell_one() -> None:
    def telling(*curves: Any) -> Measured:
        rows = figures(Action.CLASSIFY, LABELS, *of_ids(), np.eye(3)[of_ids()[0]])
        return measured({**rows.to_dict(), "curves": list(curves)})

    def curve(*points: tuple[float, int, int]) -> dict[str, Any]:
        thresholds, true, false = zip(*points, strict=True)
        return {"thresholds": thresholds, "TPs": true, "FPs": false}

    fine = curve((0.9, 1, 0), (0.5, 2, 1), (0.1, 3, 2), (0.0, 3, 4))
    coarse = curve((0.5, 5, 0), (0.0, 5, 5))
    uneven = {"thresholds": [0.5, 0.0], "TPs": [1], "FPs": [1, 2]}

    found = pooled({"p0": telling(fine, None, fine), "p1": telling(coarse, None, uneven)})

    assert found is not None
    assert isinstance(found.curves, list)
    assert list(map(to_builtins, found.curves)) == [
        {"thresholds": [0.5, 0.0], "TPs": [7, 8], "FPs": [1, 9]},
        None,
        to_builtins(measured({"statistics": {}, "curves": [fine]}).curves)[0],
    ]
    assert found.over["curves"] == [2, 0, 1]
    assert found.reasons["curves"] == [None, "no participant tells what it takes", None]


def of_ids() -> tuple[NDArray[Any], NDArray[Any]]:
    return np.arange(3), np.arange(3)
