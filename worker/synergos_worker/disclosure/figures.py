"""What is told of how good a model is: no figure of a class that too few rows have, nor of another that would give it away."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synergos.learning.curves import at, shared_thresholds
from synergos.learning.metrics import Figures, by_column
from synergos_worker.disclosure.policy import Policy

_GIVES_AWAY = "withheld because the figures of another class, which has fewer than {minimum} rows, would follow from it"
_OF_SMALL_CLASSES = "figures of a class are withheld that it takes"
_TOO_FEW = "fewer than {minimum} true or predicted rows"

_NO_STEP = "no step of it is made of enough rows"


def figures_shown(
    found: Figures, truth: NDArray[Any] | None, predicted: NDArray[Any], scores: NDArray[Any], policy: Policy
) -> Figures:
    """The figures of some rows, those of small classes None with the reason, and curves without thresholds that tell of few rows.

    Args:
        truth: values, or class ids (N,) or (N, 1); None where the rows have no label, and nothing is measured.
        predicted: as ``truth``.
        scores: probabilities (N, C), or of the second of two classes (N, 1).
    """
    if policy.is_open or truth is None or len(truth) == 0:
        return found
    if not found.classes:
        return replace(found, overall=_rounded_mean(found.overall))
    classes = len(found.classes)
    true = _rows_by_class(truth, classes)
    reasons = _reasons(true, _rows_by_class(predicted, classes), policy.minimum_rows)
    found = _with_coarse_curves(found, predicted.reshape(-1), by_column(scores), reasons, policy.minimum_rows)
    if not any(reasons):
        return found
    overall = {**found.overall, "confusion_matrix": _without(found.overall["confusion_matrix"], reasons)}
    why: dict[str, object] = {"overall.confusion_matrix": _OF_SMALL_CLASSES}
    # A class that nobody has counts in no mean, and that there are no rows of it may be known.
    if any(rows and reason for rows, reason in zip(true.tolist(), reasons, strict=True)):
        overall["balanced_accuracy"] = None
        why["overall.balanced_accuracy"] = _OF_SMALL_CLASSES
    statistics = {name: _without(value, reasons) for name, value in found.statistics.items()}
    by_class = {name: _with(reasons, found.reasons.get(name)) for name in statistics}
    return replace(found, statistics=statistics, overall=overall, reasons=found.reasons | by_class | why)


def _with_coarse_curves(
    found: Figures, predicted: NDArray[Any], columns: NDArray[np.float64], reasons: list[str | None], minimum: int
) -> Figures:
    """Curves of the classes that are told, none of whose steps is made of few rows."""
    curves = list(found.curves)
    for index, curve in enumerate(curves):
        if curve is not None:
            kept = [] if reasons[index] else shared_thresholds(columns[:, index], predicted == index, minimum)
            curves[index] = at(curve, kept) if len(kept) > 1 else None
    if not curves:
        return found
    why = _with(reasons, found.reasons.get("curves"))
    why = [_NO_STEP if curve is None and not each else each for curve, each in zip(curves, why, strict=True)]
    return replace(found, curves=tuple(curves), reasons=found.reasons | ({"curves": why} if any(why) else {}))


def _rounded_mean(overall: Mapping[str, Any]) -> dict[str, Any]:
    """The mean of the values to a hundredth of how far they lie apart: pooling takes no more."""
    mean, variance = overall["target_mean"], overall["target_variance"]
    if mean is None or not variance:
        return dict(overall)
    step = 10.0 ** (math.floor(math.log10(math.sqrt(variance))) - 2)
    return {**overall, "target_mean": round(mean / step) * step}


def _rows_by_class(ids: NDArray[Any], classes: int) -> NDArray[np.int64]:
    return np.bincount(ids.reshape(-1).astype(np.int64), minlength=classes)


def _reasons(true: NDArray[np.int64], predicted: NDArray[np.int64], minimum: int) -> list[str | None]:
    """Why each class is withheld: it is small, or what is small would be known by taking the others from all rows."""
    counts = np.stack([true, predicted])
    reasons = [_TOO_FEW.format(minimum=minimum) if rows < minimum else None for rows in counts.min(axis=0).tolist()]
    while None in reasons and any(reasons):
        shown = [index for index, reason in enumerate(reasons) if reason is None]
        if not _is_told(counts.sum(axis=1) - counts[:, shown].sum(axis=1), minimum):
            break
        reasons[min(shown, key=lambda index: counts[:, index].min())] = _GIVES_AWAY.format(minimum=minimum)
    return reasons


def _is_told(rows: NDArray[np.int64], minimum: int) -> bool:
    """Whether so many rows, all classes' but those shown, are too few to be known; that there are none may be known."""
    return bool(((rows > 0) & (rows < minimum)).any())


def _without(value: Any, reasons: list[str | None]) -> Any:
    """A list by class, or a matrix by two of them, without those that are withheld."""
    if not isinstance(value, list) or len(value) != len(reasons):
        return value
    return [None if reason else _without(each, reasons) for each, reason in zip(value, reasons, strict=True)]


def _with(reasons: list[str | None], others: list[str | None] | None) -> list[str | None]:
    """The reasons by class, and those that were there before where a class has none."""
    return [reason or other for reason, other in zip(reasons, others or [None] * len(reasons), strict=True)]
