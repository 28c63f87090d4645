"""Figures of all participants' rows together, out of what each of them tells: counts, and means with the rows they are over."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from msgspec import UNSET

from synergos.domain.outputs import Curve, Measured, Overall, Pooled
from synergos.learning.curves import MIRRORED, added
from synergos.learning.metrics import COUNTS, RATES, REGRESSION, SCORES, Statistics, by_class, counted, mean_of_known

_NOT_TOLD = "no participant tells what it takes"
_ONLY_FROM_SCORES = "it takes the scores of single rows, which stay with their participants"
_ONLY_FROM_BINS = "it takes confidences by bin, which stay with their participants"
_AREAS = ("roc_auc_score", "pr_auc_score")


def pooled(results: Mapping[str, Measured]) -> Pooled | None:
    """What the participants' rows would say together; None where nobody tells how many rows it has.

    A participant counts wherever it tells what a figure takes; ``over`` says how many do. Rates come from summed counts, accuracy, Brier
    score and errors from means weighted by rows, R2 from the participants' means and variances of the true values. Areas under
    curves, and the calibration error, cannot be had: what they take does not leave a participant.
    """
    told = [result for result in results.values() if isinstance(result.overall, Overall) and result.overall.rows]
    if not told:
        return None
    make = _classification if any(isinstance(result.classes, Sequence) for result in told) else _regression
    return make(tuple(results), told)


def _classification(participants: Sequence[str], told: Sequence[Measured]) -> Pooled:
    classes = next(result.classes for result in told if isinstance(result.classes, Sequence))
    counts = [_counts(told, index) for index in range(len(classes))]
    over: dict[str, int | Sequence[int]] = {name: [len(each) for each in counts] for name in (*SCORES, *COUNTS, *RATES)}
    statistics, reasons = by_class(_one_class(each) for each in counts)
    statistics |= {name: [None] * len(classes) for name in _AREAS}
    reasons |= {name: [_ONLY_FROM_SCORES] * len(classes) for name in _AREAS}
    over |= {name: [0] * len(classes) for name in _AREAS}
    found: dict[str, float | None] = {"balanced_accuracy": mean_of_known(statistics["TPRs"])}
    over["overall.balanced_accuracy"] = min(map(len, counts))
    for name in ("accuracy", "brier_score"):
        found[name], over[f"overall.{name}"] = _weighted(told, [_of_all_rows(result, name) for result in told])
    matrix, over["overall.confusion_matrix"] = _matrix(told)
    missing: dict[str, str | Sequence[str | None]] = {
        f"overall.{name}": _NOT_TOLD for name, value in {**found, "confusion_matrix": matrix}.items() if value is None
    }
    curves, over["curves"], missing["curves"] = _curves(told, len(classes))
    return Pooled(
        participants=participants,
        classes=classes,
        statistics={name: statistics[name] for name in (*SCORES, *COUNTS, *RATES)},
        overall=Overall(rows=_rows(told), calibration_error=None, confusion_matrix=matrix, **found),
        over={**over, "overall.calibration_error": 0},
        reasons={**reasons, **missing, "overall.calibration_error": _ONLY_FROM_BINS},
        curves=curves,
    )


def _counts(told: Iterable[Measured], index: int) -> list[list[int]]:
    """The four counts of a class at each participant that tells all of them."""
    found = ([_entry(result.statistics.get(name), index) for name in COUNTS] for result in told)
    return [counts for counts in found if None not in counts]


def _entry(values: Any, index: int) -> Any:
    return values[index] if isinstance(values, Sequence) and index < len(values) else None


def _one_class(counts: Sequence[Sequence[int]]) -> tuple[Statistics, Mapping[str, str]]:
    if counts:
        return counted(*(sum(each) for each in zip(*counts, strict=True)))
    names = counted(0, 0, 0, 0)[0]
    return dict.fromkeys(names), dict.fromkeys(names, _NOT_TOLD)


def _matrix(told: Iterable[Measured]) -> tuple[list[list[int]] | None, int]:
    """The sum of the matrices that are told whole, and how many they are."""
    found = [_of_all_rows(result, "confusion_matrix") for result in told]
    whole = [matrix for matrix in found if matrix and all(row is not None and None not in row for row in matrix)]
    return (np.sum(whole, axis=0).tolist() if whole else None), len(whole)


def _curves(told: Sequence[Measured], classes: int) -> tuple[list[Curve | None], list[int], list[str | None]]:
    """The curve of each class over those that tell theirs, how many they are, and why there is none."""
    found = [[curve for curve in (_curve(result, index) for result in told) if curve] for index in range(classes)]
    summed = [added(curves) if curves else None for curves in found]
    # With no threshold but the last in common there is nothing to be seen.
    shown = [curve if curve is not None and len(curve.thresholds) > 1 else None for curve in summed]
    why: list[str | None] = [_NOT_TOLD if curve is None else None for curve in shown]
    if classes == 2 and shown[1] is not None:
        why[0] = MIRRORED
    return shown, [len(curves) if curve else 0 for curves, curve in zip(found, shown, strict=True)], why


def _curve(result: Measured, index: int) -> Curve | None:
    told = _entry(result.curves, index)
    if not isinstance(told, Curve):
        return None
    lengths = {len(each) for each in (told.thresholds, told.true_positives, told.false_positives)}
    return told if len(lengths) == 1 else None


def _regression(participants: Sequence[str], told: Sequence[Measured]) -> Pooled:
    statistics: dict[str, float | None] = {}
    over: dict[str, int] = {}
    for name in ("MSE", "MAE"):
        statistics[name], over[name] = _weighted(told, [result.statistics.get(name) for result in told])
    statistics["R2"], over["R2"] = _r2(told)
    mean, variance, spread_over = _spread(told)
    missing = {name: _NOT_TOLD for name, value in statistics.items() if value is None}
    if statistics["R2"] is None and over["R2"]:
        missing["R2"] = "all values are the same"
    return Pooled(
        participants=participants,
        statistics={name: statistics[name] for name in REGRESSION},
        overall=Overall(rows=_rows(told), target_mean=mean, target_variance=variance),
        over={**over, "overall.target_mean": spread_over, "overall.target_variance": spread_over},
        reasons=missing,
    )


def _r2(told: Sequence[Measured]) -> tuple[float | None, int]:
    having = [each for each in told if each.statistics.get("MSE") is not None and _has_spread(each)]
    _, variance, _ = _spread(having)
    error, over = _weighted(having, [each.statistics["MSE"] for each in having])
    return (1 - error / variance if error is not None and variance else None), over


def _spread(told: Iterable[Measured]) -> tuple[float | None, float | None, int]:
    """Mean and variance of the true values of those that tell theirs, and how many do."""
    having = [each for each in told if _has_spread(each)]
    if not having:
        return None, None, 0
    rows = np.array([_of_all_rows(each, "rows") for each in having], dtype=np.float64)
    means = np.array([_of_all_rows(each, "target_mean") for each in having], dtype=np.float64)
    variances = np.array([_of_all_rows(each, "target_variance") for each in having], dtype=np.float64)
    mean = float(np.average(means, weights=rows))
    # Not from sums of squares: the difference of two of them has few digits where values are large and alike.
    return mean, float(np.average(variances + np.square(means - mean), weights=rows)), len(having)


def _has_spread(result: Measured) -> bool:
    return None not in (_of_all_rows(result, "target_mean"), _of_all_rows(result, "target_variance"))


def _weighted(told: Sequence[Measured], values: Sequence[Any]) -> tuple[float | None, int]:
    """The mean over rows of what each participant's mean is, and over how many participants it is."""
    known = [
        (value, _of_all_rows(result, "rows")) for result, value in zip(told, values, strict=True) if value is not None
    ]
    if not known:
        return None, 0
    return float(np.average([value for value, _ in known], weights=[rows for _, rows in known])), len(known)


def _of_all_rows(result: Measured, name: str) -> Any:
    """A figure of all rows; None where it is not told."""
    value = getattr(result.overall, name, None)
    return None if value is UNSET else value


def _rows(told: Iterable[Measured]) -> int:
    return sum(_of_all_rows(result, "rows") for result in told)
