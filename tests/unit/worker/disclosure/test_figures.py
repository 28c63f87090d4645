from __future__ import annotations

from typing import Any

import numpy as np

from synergos.domain.feature_space import Action
from synergos.learning.metrics import statistics
from synergos_worker.disclosure.figures import WITHHELD, figures_shown
from synergos_worker.disclosure.policy import OPEN, STRICT, Policy

FEW = "fewer than 10 true or predicted rows"
WOULD_FOLLOW = "withheld because the figures of another class, which has fewer than 10 rows, would follow from it"


def shown(truth: list[int], predicted: list[int], policy: Policy = STRICT) -> dict[str, Any]:
    true, guessed = np.array(truth), np.array(predicted)
    classes = max(2, int(true.max()) + 1)
    scores = np.full((len(true), classes), 1 / classes)
    labels = tuple(map(str, range(classes)))
    return figures_shown(statistics(Action.CLASSIFY, labels, true, guessed, scores), true, guessed, policy)


def test_figures_of_classes_with_enough_rows_are_told() -> None:
    truth = [0] * 20 + [1] * 20

    found = shown(truth, truth)

    assert found["TPs"] == [20, 20]
    assert WITHHELD not in found


def test_of_two_classes_neither_is_told_when_one_is_small() -> None:
    truth = [0] * 40 + [1] * 4

    found = shown(truth, [0] * 30 + [1] * 14)

    assert found[WITHHELD] == [WOULD_FOLLOW, FEW]
    assert all(value == [None, None] for name, value in found.items() if name != WITHHELD)


def test_a_class_that_is_hardly_ever_predicted_is_small_too() -> None:
    assert shown([0] * 40 + [1] * 40, [0] * 75 + [1] * 5)[WITHHELD] == [WOULD_FOLLOW, FEW]


def test_a_small_class_takes_the_next_small_one_with_it_so_that_it_cannot_be_counted() -> None:
    truth = [0] * 40 + [1] * 20 + [2] * 3

    found = shown(truth, truth)

    assert found[WITHHELD] == [None, WOULD_FOLLOW, FEW]
    assert found["TPs"] == [40, None, None]


def test_small_classes_that_are_many_together_hide_each_other() -> None:
    truth = [0] * 40 + [1] * 6 + [2] * 6

    assert shown(truth, truth)[WITHHELD] == [None, FEW, FEW]


def test_a_class_that_nobody_has_leaves_the_others_alone() -> None:
    truth = [0] * 40 + [1] * 20 + [2] * 20
    without = [0] * 40 + [1] * 40

    assert figures_shown({"TPs": [40, 40, 0]}, np.array(without), np.array(without), STRICT)["TPs"] == [40, 40, None]
    assert WITHHELD not in shown(truth, truth)


def test_the_rows_and_columns_of_a_matrix_go_with_the_class() -> None:
    truth = np.array([0] * 40 + [1] * 40 + [2] * 40 + [3] * 5 + [4] * 5)
    matrix = np.ones((5, 5), dtype=int).tolist()

    found = figures_shown({"confusion_matrix": matrix}, truth, truth, STRICT)

    assert found["confusion_matrix"] == [[1, 1, 1, None, None]] * 3 + [None, None]


def test_an_open_worker_tells_everything() -> None:
    truth = [0] * 40 + [1] * 4

    assert shown(truth, truth, OPEN)["TPs"] == [40, 4]


def test_rows_without_labels_have_no_figures_to_withhold() -> None:
    assert figures_shown({"TPs": [None, None]}, None, np.zeros(3), STRICT) == {"TPs": [None, None]}
