"""What a participant tells of a model has to be possible: figures in their ranges, for as many rows and classes as there are."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from msgspec import UNSET

from synergos.domain.feature_space import Action, FeatureSpace
from synergos.domain.outputs import Curve, Measured, Overall, Statistic
from synergos.errors import InvalidRequest
from synergos.learning.metrics import COUNTS, RATES, REGRESSION, SCORES

_MOST_ENTRIES = 10_000
_LONGEST_TEXT = 4096
_MOST_THRESHOLDS = 1000
_ROUNDING = 1e-6
"""By how much a sum of floats may be beyond what it is of real numbers."""
_LARGEST = 1e150
"""Figures are squared where those of several participants are taken together."""
_SHARE, _POSITIVE, _ANY = (0.0, 1.0), (0.0, math.inf), (-math.inf, math.inf)
_OF_REGRESSION = {"R2": (-math.inf, 1.0), "MSE": _POSITIVE, "MAE": _POSITIVE}
_OVERALL = {
    "accuracy": _SHARE,
    "balanced_accuracy": _SHARE,
    # More than 2 and 1 where what a network puts out are no probabilities.
    "brier_score": _POSITIVE,
    "calibration_error": _POSITIVE,
    "target_mean": _ANY,
    "target_variance": _POSITIVE,
}


def check_figures(told: Measured, rows: int, space: FeatureSpace) -> None:
    """Refuse figures that no predictions can have.

    Args:
        rows: how many were measured, at most.
        space: of the model.

    Raises:
        InvalidRequest: names the first figure that cannot be, and repeats none.
    """
    classes = 0 if space.action is Action.REGRESS else max(2, len(space.labels))
    _check_statistics(told.statistics, rows, classes)
    if isinstance(told.classes, Sequence):
        _demand(classes > 0, "classes", "none in a regression")
        _demand(
            tuple(told.classes) == (*space.labels, *[None] * (classes - len(space.labels))),
            "classes",
            "those of the model",
        )
    if isinstance(told.overall, Overall):
        _check_overall(told.overall, rows, classes)
    if isinstance(told.curves, Sequence):
        _demand(len(told.curves) == classes, "curves", f"{classes} of them")
        for curve in told.curves:
            if curve is not None:
                _check_curve(curve, rows)
    _check_words(told)


def _check_statistics(statistics: Mapping[str, Statistic], rows: int, classes: int) -> None:
    known = {*SCORES, *COUNTS, *RATES} if classes else {*REGRESSION}
    _demand(statistics.keys() <= known, "statistics", f"no other than {', '.join(sorted(known))}")
    for name, value in statistics.items():
        place = f"statistics.{name}"
        if not classes:
            _check_number(value, _OF_REGRESSION[name], place)
            continue
        entries = value if isinstance(value, Sequence) else ()
        _demand(len(entries) == classes, place, f"a list of {classes}")
        for entry in entries:
            if name in COUNTS:
                _check_count(entry, rows, place)
            else:
                _check_number(entry, _SHARE, place)


def _check_overall(overall: Overall, rows: int, classes: int) -> None:
    _demand(overall.rows <= rows, "overall.rows", f"at most {rows}")
    for name, bounds in _OVERALL.items():
        _check_number(getattr(overall, name), bounds, f"overall.{name}")
    matrix = overall.confusion_matrix
    if matrix is UNSET or matrix is None:
        return
    place = "overall.confusion_matrix"
    _demand(len(matrix) == classes, place, f"{classes} rows")
    for row in matrix:
        if row is not None:
            _demand(len(row) == classes, place, f"{classes} columns")
            for count in row:
                _check_count(count, rows, place)


def _check_curve(curve: Curve, rows: int) -> None:
    lengths = {len(each) for each in (curve.thresholds, curve.true_positives, curve.false_positives)}
    _demand(len(lengths) == 1 and max(lengths) <= _MOST_THRESHOLDS, "curves", f"at most {_MOST_THRESHOLDS} thresholds")
    for threshold in curve.thresholds:
        _check_number(threshold, _SHARE, "curves")
    for count in (*curve.true_positives, *curve.false_positives):
        _check_count(count, rows, "curves")


def _check_words(told: Measured) -> None:
    _demand(len(told.res_path) <= _LONGEST_TEXT, "res_path", f"at most {_LONGEST_TEXT} characters")
    reasons = told.reasons if isinstance(told.reasons, Mapping) else {}
    never = told.never_trained if isinstance(told.never_trained, Mapping) else {}
    texts = [
        text for said in reasons.values() for text in ([said] if isinstance(said, str) else said) if text is not None
    ]
    for place, entries in (("reasons", texts), ("never_trained", [each.treated for each in never.values()])):
        _demand(len(entries) <= _MOST_ENTRIES, place, f"at most {_MOST_ENTRIES} entries")
        _demand(
            all(len(text) <= _LONGEST_TEXT for text in entries), place, f"texts of at most {_LONGEST_TEXT} characters"
        )


def _check_number(value: object, bounds: tuple[float, float], place: str) -> None:
    """A figure that is there is a finite number between two others."""
    if value is None or value is UNSET:
        return
    low, high = bounds
    is_number = isinstance(value, int | float) and abs(value) <= _LARGEST
    is_within = is_number and low - _ROUNDING <= value <= high + _ROUNDING  # type: ignore[operator]
    _demand(is_within, place, f"a number from {low:g} to {high:g}")


def _check_count(value: object, rows: int, place: str) -> None:
    if value is not None:
        _demand(isinstance(value, int) and 0 <= value <= rows, place, f"a whole number from 0 to {rows}")


def _demand(is_possible: bool, place: str, expected: str) -> None:
    if not is_possible:
        raise InvalidRequest(f"expected {expected}", place)
