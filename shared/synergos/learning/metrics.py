"""How good predictions are: the statistics of a validation or prediction, by their contract names."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from synergos.domain.feature_space import Action

REGRESSION = ("R2", "MSE", "MAE")
SCORES = ("accuracy", "roc_auc_score", "pr_auc_score", "f_score")
COUNTS = ("TPs", "TNs", "FPs", "FNs")
RATES = ("TPRs", "TNRs", "PPVs", "NPVs", "FPRs", "FNRs", "FDRs")

Statistics = dict[str, Any]
Array = NDArray[Any]


def statistics(
    action: Action, labels: tuple[str, ...], truth: Array | None, predicted: Array, scores: Array
) -> Statistics:
    """Statistics of predictions, as JSON-able values; ``None`` for what is undefined.

    Args:
        labels: the project's labels in class order; empty for a regression.
        truth: values (N, 1), or class ids (N,) or (N, 1); ``None`` when the rows have no label.
        predicted: as ``truth``.
        scores: probabilities (N, C), or of the second of two classes (N, 1).

    Returns:
        Regression: scalars. Classification: for each name a list with one entry per class, class against rest, two for a
        project with two labels. Rates are 0 where nothing is counted; the areas are undefined without the cases they compare.
    """
    if action is Action.REGRESS:
        return _regression(truth, predicted)
    classes = max(2, len(labels))
    names = (*SCORES, *COUNTS, *RATES)
    if truth is None or len(truth) == 0:
        return {name: [None] * classes for name in names}
    truth, predicted = truth.reshape(-1).astype(np.int64), predicted.reshape(-1).astype(np.int64)
    columns = scores.reshape(len(truth), -1).astype(np.float64)
    if columns.shape[1] == 1:
        columns = np.hstack([1 - columns, columns])
    by_class = [_one_class(truth == index, predicted == index, columns[:, index]) for index in range(classes)]
    return {name: [found[name] for found in by_class] for name in names}


def _regression(truth: Array | None, predicted: Array) -> Statistics:
    if truth is None or len(truth) == 0:
        return dict.fromkeys(REGRESSION)
    expected = truth.reshape(-1).astype(np.float64)
    with np.errstate(all="ignore"):  # a model that diverged has no finite error; that is what None says
        errors = predicted.reshape(-1).astype(np.float64) - expected
        squares = float(np.square(errors).sum())
        spread = float(np.square(expected - expected.mean()).sum())
        return {
            "R2": _finite(1 - squares / spread) if spread > 0 else None,
            "MSE": _finite(squares / len(expected)),
            "MAE": _finite(float(np.abs(errors).mean())),
        }


def _one_class(truth: NDArray[np.bool_], predicted: NDArray[np.bool_], scores: NDArray[np.float64]) -> Statistics:
    """One class against the rest."""
    tp, tn = int((truth & predicted).sum()), int((~truth & ~predicted).sum())
    fp, fn = int((~truth & predicted).sum()), int((truth & ~predicted).sum())
    return {
        "accuracy": (tp + tn) / len(truth),
        "roc_auc_score": _roc_auc(truth, scores),
        "pr_auc_score": _pr_auc(truth, scores),
        "f_score": _share(2 * tp, fp + fn),
        "TPs": tp,
        "TNs": tn,
        "FPs": fp,
        "FNs": fn,
        "TPRs": _share(tp, fn),
        "TNRs": _share(tn, fp),
        "PPVs": _share(tp, fp),
        "NPVs": _share(tn, fn),
        "FPRs": _share(fp, tn),
        "FNRs": _share(fn, tp),
        "FDRs": _share(fp, tp),
    }


def _roc_auc(truth: NDArray[np.bool_], scores: NDArray[np.float64]) -> float | None:
    if truth.all() or not truth.any() or not np.isfinite(scores).all():
        return None
    # Here and below: it takes a second to import, which nobody should wait for who only trains.
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(truth, scores))


def _pr_auc(truth: NDArray[np.bool_], scores: NDArray[np.float64]) -> float | None:
    """Trapezoid area under precision over recall."""
    if not truth.any() or not np.isfinite(scores).all():
        return None
    from sklearn.metrics import auc, precision_recall_curve

    precision, recall, _ = precision_recall_curve(truth, scores)
    return float(auc(recall, precision))


def _share(part: int, rest: int) -> float:
    return part / (part + rest) if part + rest else 0.0


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None
