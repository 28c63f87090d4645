"""The areas under two curves of a classification, over every threshold that its scores have.

Both come of the same counts: how many rows score at least so much, those of the class and the others apart (Fawcett 2006, An
introduction to ROC analysis; Davis and Goadrich 2006, The relationship between precision-recall and ROC curves). Numpy alone:
importing a library that has them takes longer than most trainings of tables do.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def roc_auc(truth: NDArray[np.bool_], scores: NDArray[np.float64]) -> float | None:
    """The area under the receiver operating characteristic; None where all rows are of the class, or none.

    Args:
        truth: (N,), whether a row is of the class.
        scores: (N,), finite.
    """
    if truth.all() or not truth.any():
        return None
    true_positives, false_positives = _counted(truth, scores)
    # Of whole numbers and their halves until here: a row of each kind whose scores are equal counts half.
    area = float(np.trapezoid(_from(0, true_positives), _from(0, false_positives)))
    return area / (int(true_positives[-1]) * int(false_positives[-1]))


def pr_auc(truth: NDArray[np.bool_], scores: NDArray[np.float64]) -> float | None:
    """The trapezoid area under precision over recall, from precision 1 at recall 0; None where no row is of the class.

    Args:
        truth: (N,), whether a row is of the class.
        scores: (N,), finite.
    """
    if not truth.any():
        return None
    true_positives, false_positives = _counted(truth, scores)
    precision = true_positives / (true_positives + false_positives)
    area = float(np.trapezoid(_from(1, precision), _from(0, true_positives / true_positives[-1])))
    # The trapezoids of a perfect model add up to a bit more than 1.
    return min(area, 1.0)


def _from(first: int, others: NDArray[Any]) -> NDArray[Any]:
    return np.concatenate(([first], others))


def _counted(truth: NDArray[np.bool_], scores: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows of the class and others that score at least so much, from the highest of the scores to the lowest, each once."""
    falling = np.argsort(scores)[::-1]
    ordered = scores[falling]
    is_last = np.append(ordered[1:] != ordered[:-1], True)
    true_positives = np.cumsum(truth[falling], dtype=np.int64)[is_last]
    return true_positives, np.flatnonzero(is_last) + 1 - true_positives
