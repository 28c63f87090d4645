"""How good predictions are: the statistics of a validation or prediction by their contract names, and what is said beside them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from msgspec import to_builtins
from numpy.typing import NDArray

from synergos.domain.feature_space import Action
from synergos.domain.outputs import Curve
from synergos.learning.areas import pr_auc, roc_auc
from synergos.learning.curves import MIRRORED, MOST_CLASSES, TOO_MANY_CLASSES, curve_of

REGRESSION = ("R2", "MSE", "MAE")
SCORES = ("accuracy", "roc_auc_score", "pr_auc_score", "f_score")
COUNTS = ("TPs", "TNs", "FPs", "FNs")
RATES = ("TPRs", "TNRs", "PPVs", "NPVs", "FPRs", "FNRs", "FDRs")

LARGEST_MATRIX = 100
"""Classes of a confusion matrix; of more there is none."""
BINS = 10
"""Of equal width, by which confidences are compared with how often they are right."""

NO_LABELS = "no row has a label"
NO_SCORES = "no row with a label has scores that are finite numbers"

Statistics = dict[str, Any]
Reasons = dict[str, Any]
Array = NDArray[Any]


@dataclass(frozen=True)
class Figures:
    """What is said of some predictions, as JSON-able values.

    Attributes:
        statistics: by their contract names. Regression: scalars. Classification: lists with one entry per class, class against
            rest, two for a project with two labels. None for what is not defined: 0 of 0 is no rate.
        overall: of all rows together: how many are counted; of a classification accuracy, balanced accuracy, Brier score, calibration
            error and confusion matrix (rows by true, columns by predicted class); of a regression mean and variance of the values.
        classes: the label of each class; None for the second of a project with one label. Empty for a regression.
        reasons: by name of a figure why it is None: a text, and in a list per class None for those that are there.
        curves: of each class; None for the first of two, whose curve is the other's mirror image. Empty where there are none.
    """

    statistics: Statistics
    overall: dict[str, Any]
    classes: tuple[str | None, ...] = ()
    reasons: Reasons = field(default_factory=dict)
    curves: tuple[Curve | None, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """As messages and records have it; classes only where there are any."""
        classes = {"classes": list(self.classes)} if self.classes else {}
        curves = {"curves": [to_builtins(curve) for curve in self.curves]} if self.curves else {}
        return {"statistics": self.statistics, **classes, "overall": self.overall, "reasons": self.reasons, **curves}


def figures(action: Action, labels: tuple[str, ...], truth: Array | None, predicted: Array, scores: Array) -> Figures:
    """What is to be said of predictions; a row whose scores are not finite has no predicted class, and is not counted.

    Args:
        labels: the project's labels in class order; empty for a regression.
        truth: values (N, 1), or class ids (N,) or (N, 1); ``None`` when the rows have no label.
        predicted: as ``truth``.
        scores: probabilities (N, C), or of the second of two classes (N, 1).
    """
    known = None if truth is None or len(truth) == 0 else truth
    if action is Action.REGRESS:
        return _regression(known, predicted)
    classes = (*labels, *[None] * (2 - len(labels)))
    if known is None:
        return _nothing_counted(classes, NO_LABELS)
    has_scores = scored(scores)
    if not has_scores.any():
        return _nothing_counted(classes, NO_SCORES)
    return _classification(classes, known[has_scores], predicted[has_scores], scores[has_scores])


def by_column(scores: Array) -> NDArray[np.float64]:
    """Scores (N, C), a column for each class also where the model has the second of two alone."""
    columns = scores.reshape(len(scores), -1).astype(np.float64)
    return np.hstack([1 - columns, columns]) if columns.shape[1] == 1 else columns


def scored(scores: Array) -> NDArray[np.bool_]:
    """(N,), true for the rows whose scores (N, C) are all finite numbers."""
    found: NDArray[np.bool_] = np.logical_and.reduce(np.isfinite(scores.reshape(len(scores), -1)), axis=1)
    return found


def counted(tp: int, tn: int, fp: int, fn: int) -> tuple[Statistics, dict[str, str]]:
    """The figures of one class against the rest that follow from its counts, and why the others are None."""
    figures = {
        "accuracy": _share(tp + tn, fp + fn),
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
    return figures, {name: _NOTHING_COUNTED[name] for name, value in figures.items() if value is None}


def by_class(found: Iterable[tuple[Statistics, Mapping[str, str]]]) -> tuple[Statistics, Reasons]:
    """Figures and reasons of each class, as lists with one entry per class."""
    statistics, reasons = zip(*found, strict=True)
    missing = {name for each in reasons for name in each}
    return (
        {name: [each[name] for each in statistics] for name in statistics[0]},
        {name: [each.get(name) for each in reasons] for name in statistics[0] if name in missing},
    )


def mean_of_known(values: Iterable[float | None]) -> float | None:
    """The mean of the values that are there; None where there is none."""
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


_NO_ROW, _EVERY_ROW = "no row has this class", "every row has this class"
_NEVER_PREDICTED, _ALWAYS_PREDICTED = "this class is never predicted", "this class is always predicted"
_NOTHING_COUNTED: Mapping[str, str] = {
    "accuracy": NO_LABELS,
    "f_score": "no row has this class, and it is never predicted",
    **dict.fromkeys(("TPRs", "FNRs"), _NO_ROW),
    **dict.fromkeys(("TNRs", "FPRs"), _EVERY_ROW),
    **dict.fromkeys(("PPVs", "FDRs"), _NEVER_PREDICTED),
    "NPVs": _ALWAYS_PREDICTED,
}


def _regression(truth: Array | None, predicted: Array) -> Figures:
    if truth is None:
        nothing = {"rows": 0, "target_mean": None, "target_variance": None}
        return Figures(dict.fromkeys(REGRESSION), nothing, reasons=dict.fromkeys(REGRESSION, NO_LABELS))
    expected = truth.reshape(-1).astype(np.float64)
    with np.errstate(all="ignore"):  # a model that diverged has no finite error; that is what None says
        errors = predicted.reshape(-1).astype(np.float64) - expected
        squares = float(np.square(errors).sum())
        mean = float(expected.mean())
        spread = float(np.square(expected - mean).sum())
        statistics = {
            "R2": _finite(1 - squares / spread) if spread > 0 else None,
            "MSE": _finite(squares / len(expected)),
            "MAE": _finite(float(np.abs(errors).mean())),
        }
    overall = {"rows": len(expected), "target_mean": _finite(mean), "target_variance": _finite(spread / len(expected))}
    diverged = {name: "an error is not a finite number" for name, value in statistics.items() if value is None}
    return Figures(statistics, overall, reasons=diverged | ({} if spread > 0 else {"R2": "all values are the same"}))


def _nothing_counted(classes: Sequence[str | None], why: str) -> Figures:
    names = (*SCORES, *COUNTS, *RATES)
    overall = {"rows": 0, **dict.fromkeys(_OVERALL)}
    reasons = {name: [why] * len(classes) for name in names} | dict.fromkeys(_OF_ALL_ROWS, why)
    return Figures(
        {name: [None] * len(classes) for name in names},
        overall,
        tuple(classes),
        reasons | {"curves": [why] * len(classes)},
    )


_OVERALL = ("accuracy", "balanced_accuracy", "brier_score", "calibration_error", "confusion_matrix")
_OF_ALL_ROWS = tuple(f"overall.{name}" for name in _OVERALL)


def _classification(classes: Sequence[str | None], truth: Array, predicted: Array, scores: Array) -> Figures:
    ids, guesses = truth.reshape(-1).astype(np.int64), predicted.reshape(-1).astype(np.int64)
    columns = by_column(scores)
    found = [_one_class(ids == index, guesses == index, columns[:, index]) for index in range(len(classes))]
    statistics, reasons = by_class(found)
    ordered = {name: statistics[name] for name in (*SCORES, *COUNTS, *RATES)}
    overall, why = _overall(ids, guesses, columns)
    overall["balanced_accuracy"] = mean_of_known(statistics["TPRs"])
    curves = _curves([ids == index for index in range(len(classes))], columns)
    return Figures(ordered, overall, tuple(classes), reasons | why | _why_no_curves(classes), curves)


def _curves(truth: Sequence[NDArray[np.bool_]], columns: NDArray[np.float64]) -> tuple[Curve | None, ...]:
    """The curve of each class, where there are not too many.

    Args:
        truth: of each class (N,).
        columns: scores (N, C).
    """
    if len(truth) > MOST_CLASSES:
        return ()
    begin = 1 if len(truth) == 2 else 0
    return (
        *[None] * begin,
        *(curve_of(of_class, columns[:, index]) for index, of_class in enumerate(truth) if index >= begin),
    )


def _why_no_curves(classes: Sequence[object]) -> Reasons:
    if len(classes) > MOST_CLASSES:
        return {"curves": [TOO_MANY_CLASSES] * len(classes)}
    return {"curves": [MIRRORED, None]} if len(classes) == 2 else {}


def _overall(ids: NDArray[np.int64], guesses: NDArray[np.int64], columns: NDArray[np.float64]) -> tuple[Any, Reasons]:
    """What is said of all rows together, but for what follows from the classes' own figures."""
    classes = columns.shape[1]
    matrix = None
    if classes <= LARGEST_MATRIX:
        matrix = np.bincount(ids * classes + guesses, minlength=classes * classes).reshape(classes, classes).tolist()
    overall = {
        "rows": len(ids),
        "accuracy": float((ids == guesses).mean()),
        "balanced_accuracy": None,
        "brier_score": _brier_score(ids, columns),
        "calibration_error": _calibration_error(ids == guesses, columns[np.arange(len(ids)), guesses]),
        "confusion_matrix": matrix,
    }
    return overall, {} if matrix else {"overall.confusion_matrix": f"there are more than {LARGEST_MATRIX} classes"}


def _brier_score(ids: NDArray[np.int64], columns: NDArray[np.float64]) -> float:
    """The mean squared distance of probabilities (N, C) from what happened; for two classes that of one of them, 0 to 1, for more
    the sum over them, 0 to 2 (Brier 1950, Verification of forecasts expressed in terms of probability)."""
    distances = np.square(columns - np.eye(columns.shape[1])[ids]).sum(axis=1)
    return float(distances.mean()) / (2 if columns.shape[1] == 2 else 1)


def _calibration_error(is_right: NDArray[np.bool_], confidence: NDArray[np.float64]) -> float:
    """The expected calibration error: the mean over rows of how far the confidence of their bin is from its share of right predictions
    (Naeini, Cooper and Hauskrecht 2015, Obtaining well calibrated probabilities using Bayesian binning).

    Args:
        is_right: (N,).
        confidence: the score of what was predicted (N,), 0 to 1; bins are ``(0, 0.1]`` and so on.
    """
    bins = np.clip(np.ceil(confidence * BINS).astype(np.int64) - 1, 0, BINS - 1)
    gaps = np.bincount(bins, weights=is_right - confidence, minlength=BINS)
    return float(np.abs(gaps).sum() / len(confidence))


def _one_class(
    truth: NDArray[np.bool_], predicted: NDArray[np.bool_], scores: NDArray[np.float64]
) -> tuple[Statistics, dict[str, str]]:
    """One class against the rest."""
    tp, tn = int((truth & predicted).sum()), int((~truth & ~predicted).sum())
    fp, fn = int((~truth & predicted).sum()), int((truth & ~predicted).sum())
    figures, reasons = counted(tp, tn, fp, fn)
    areas = {"roc_auc_score": roc_auc(truth, scores), "pr_auc_score": pr_auc(truth, scores)}
    why = _EVERY_ROW if truth.any() else _NO_ROW
    return figures | areas, reasons | {name: why for name, value in areas.items() if value is None}


def _share(part: int, rest: int) -> float | None:
    """What share of the whole a part is; None of nothing."""
    return part / (part + rest) if part + rest else None


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None
