"""Figures that no predictions can have are refused, by the name of the figure; those of real predictions never are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from msgspec import to_builtins

from synergos.domain.feature_space import LABEL, Action, Feature, FeatureSpace
from synergos.domain.outputs import MEASURED
from synergos.errors import InvalidRequest
from synergos.learning.metrics import figures
from synergos.learning.possible_figures import check_figures

ROWS = 40


def space_of(labels: tuple[str, ...]) -> FeatureSpace:
    action = Action.CLASSIFY if labels else Action.REGRESS
    y = tuple(Feature(LABEL, label) for label in labels) or (Feature(LABEL),)
    return FeatureSpace("tabular", action, (Feature("a"),), y, (1,))


def told(labels: tuple[str, ...], seed: int = 0) -> dict[str, Any]:
    """What an honest worker tells of :data:`ROWS` rows."""
    rng = np.random.default_rng(seed)
    if not labels:
        truth, predicted = rng.normal(size=(2, ROWS, 1))
        return figures(Action.REGRESS, (), truth, predicted, predicted).to_dict()
    truth = rng.integers(0, len(labels), ROWS)
    scores = rng.dirichlet(np.ones(max(2, len(labels))), ROWS)
    return figures(Action.CLASSIFY, labels, truth, scores.argmax(axis=1), scores).to_dict()


def check(found: Mapping[str, Any], labels: tuple[str, ...]) -> None:
    check_figures(MEASURED.read({**to_builtins(found), "res_path": "x"}), ROWS, space_of(labels))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("labels", [(), ("a",), ("a", "b"), ("a", "b", "c"), tuple(map(str, range(30)))])
def test_what_predictions_have_is_possible(labels: tuple[str, ...], seed: int) -> None:
    check(told(labels, seed), labels)


@pytest.mark.parametrize("action", [Action.CLASSIFY, Action.REGRESS])
def test_nothing_counted_is_possible(action: Action) -> None:
    labels = ("a", "b") if action is Action.CLASSIFY else ()
    nothing = np.zeros((0, 1))
    check(figures(action, labels, None, nothing, nothing).to_dict(), labels)


@pytest.mark.parametrize(
    ("place", "value", "named"),
    [
        (("statistics", "accuracy"), [42, 0, 0], "statistics.accuracy"),
        (("statistics", "accuracy"), 0.5, "statistics.accuracy"),
        (("statistics", "accuracy"), [0.5] * 4, "statistics.accuracy"),
        (("statistics", "TPs"), [10**9, 0, 0], "statistics.TPs"),
        (("statistics", "TPs"), [0.5, 0, 0], "statistics.TPs"),
        (("statistics", "roc_auc_score"), [-0.1, 0, 0], "statistics.roc_auc_score"),
        (("statistics", "luck"), [1, 1, 1], "statistics"),
        (("overall", "accuracy"), 42, "overall.accuracy"),
        (("overall", "accuracy"), 10**300, "overall.accuracy"),
        (("overall", "rows"), 10**18, "overall.rows"),
        (("overall", "brier_score"), -1, "overall.brier_score"),
        (("overall", "confusion_matrix"), [[1, 2], [3, 4]], "overall.confusion_matrix"),
        (("overall", "confusion_matrix"), [[1], [2], [3]], "overall.confusion_matrix"),
        (("overall", "confusion_matrix"), [[-1, 0, 0]] * 3, "overall.confusion_matrix"),
        (("classes",), ["a", "b", "d"], "classes"),
        (("curves",), [None], "curves"),
        (("curves",), [{"thresholds": [0.5], "TPs": [1, 2], "FPs": [3]}] * 3, "curves"),
        (("curves",), [{"thresholds": [1.5], "TPs": [1], "FPs": [3]}] * 3, "curves"),
        (("curves",), [{"thresholds": [0.5], "TPs": [10**9], "FPs": [3]}] * 3, "curves"),
        (("reasons", "accuracy"), "x" * 10**5, "reasons"),
    ],
)
def test_what_no_predictions_have_is_refused(place: tuple[str, ...], value: object, named: str) -> None:
    labels = ("a", "b", "c")
    found = to_builtins(told(labels))
    *outer, last = place
    inside = found
    for step in outer:
        inside = inside[step]
    inside[last] = value

    with pytest.raises(InvalidRequest) as caught:
        check(found, labels)

    assert caught.value.field == named


@pytest.mark.parametrize(("name", "value"), [("MSE", -1.0), ("MAE", -1e-3), ("R2", 1.5), ("accuracy", 1.0)])
def test_what_no_regression_has_is_refused(name: str, value: float) -> None:
    found = to_builtins(told(()))
    found["statistics"][name] = value
    with pytest.raises(InvalidRequest, match="statistics"):
        check(found, ())


@pytest.mark.parametrize("classes", [[], ["a"], [None]])
def test_a_regression_has_no_classes(classes: list[str | None]) -> None:
    with pytest.raises(InvalidRequest, match=r"classes: .*none in a regression"):
        check({**told(()), "classes": classes}, ())
