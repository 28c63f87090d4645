"""How a classification does at other thresholds than its own: what receiver operating characteristics and precision over recall are made of.

Of each class a curve says how many rows score at least so much, those of the class and the others apart (Fawcett 2006, An introduction
to ROC analysis). The thresholds are the same for everybody, so the curves of several participants add up; the scores stay where they are (decision 13).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from synergos.domain.outputs import Curve

MOST_CLASSES = 20
"""Of more there are no curves."""

_NEAR_NOTHING = (0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.04)
_BETWEEN = tuple(round(0.05 + 0.025 * step, 3) for step in range(37))
THRESHOLDS = (1.0, *(round(1 - each, 3) for each in _NEAR_NOTHING), *reversed(_BETWEEN), *reversed(_NEAR_NOTHING), 0.0)
"""Falling; close to each other where the scores of a model that is sure of itself are."""

MIRRORED = "of two classes this one's is the other's mirror image"
TOO_MANY_CLASSES = f"there are more than {MOST_CLASSES} classes"


def at(curve: Curve, thresholds: Sequence[float]) -> Curve:
    """A curve with these of its thresholds only."""
    kept = [curve.thresholds.index(each) for each in thresholds]
    return Curve(
        thresholds=list(thresholds),
        true_positives=[curve.true_positives[place] for place in kept],
        false_positives=[curve.false_positives[place] for place in kept],
    )


def curve_of(truth: NDArray[np.bool_], scores: NDArray[np.float64]) -> Curve:
    """A class at all of :data:`THRESHOLDS`.

    Args:
        truth: (N,), whether a row is of the class.
        scores: (N,), finite.
    """
    return Curve(
        thresholds=list(THRESHOLDS),
        true_positives=_rows_from(scores[truth]),
        false_positives=_rows_from(scores[~truth]),
    )


def shared_thresholds(scores: NDArray[np.float64], is_predicted: NDArray[np.bool_], minimum: int) -> list[float]:
    """Those of :data:`THRESHOLDS` that tell nothing of fewer than ``minimum`` rows.

    Between two of them, above the first, and between each and the model's own threshold there are at least so many rows; or none at
    all, but not between two of them. Empty when there are fewer rows than that.

    Args:
        scores: (N,), of one class.
        is_predicted: (N,), whether a row is taken for that class; confusion matrices tell how many are.
    """
    above, above_predicted = _rows_from(scores), _rows_from(scores[is_predicted])
    predicted = int(is_predicted.sum())
    kept: list[int] = []
    for place, rows in enumerate(above):
        taken_below, left_above = predicted - above_predicted[place], rows - above_predicted[place]
        is_last = place == len(above) - 1
        if is_last or (_may_be_told(taken_below, minimum) and _may_be_told(left_above, minimum)):
            while is_last and kept and rows - above[kept[-1]] < minimum:
                kept.pop()
            if rows - (above[kept[-1]] if kept else 0) >= minimum:
                kept.append(place)
    return [THRESHOLDS[place] for place in kept]


def added(curves: Sequence[Curve]) -> Curve:
    """The curve of all rows together, at the thresholds that all of the curves have."""
    common = [each for each in curves[0].thresholds if all(each in curve.thresholds for curve in curves)]
    there = [at(curve, common) for curve in curves]
    return Curve(
        thresholds=common,
        true_positives=[sum(counts) for counts in zip(*(curve.true_positives for curve in there), strict=True)],
        false_positives=[sum(counts) for counts in zip(*(curve.false_positives for curve in there), strict=True)],
    )


def _rows_from(scores: NDArray[np.float64]) -> list[int]:
    """How many rows score at least each of the thresholds."""
    below = np.searchsorted(np.sort(scores), np.array(THRESHOLDS[:-1]), side="left")
    return [*(len(scores) - below).tolist(), len(scores)]


def _may_be_told(rows: int, minimum: int) -> bool:
    """That there is none may be known."""
    return rows == 0 or rows >= minimum
