"""What is told of how good a model is: no figure of a class that too few rows have, nor of another that would give it away."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synergos_worker.disclosure.policy import Policy

WITHHELD = "withheld"
"""The statistic that says for each class why it has no others; None for those that have."""

_GIVES_AWAY = "withheld because the figures of another class, which has fewer than {minimum} rows, would follow from it"
_TOO_FEW = "fewer than {minimum} true or predicted rows"


def figures_shown(
    found: Mapping[str, Any],
    truth: NDArray[Any] | None,
    predicted: NDArray[Any],
    policy: Policy,
) -> dict[str, Any]:
    """The statistics of some rows, those of small classes None.

    Args:
        found: as :func:`synergos.learning.metrics.statistics` makes them for class ids.
        truth: class ids (N,) or (N, 1); None where the rows have no label, and nothing is measured.
        predicted: as ``truth``.
    """
    if policy.is_open or truth is None:
        return dict(found)
    classes = max(len(value) for value in found.values() if isinstance(value, list))
    reasons = _reasons(_rows_by_class(truth, classes), _rows_by_class(predicted, classes), policy.minimum_rows)
    if not any(reasons):
        return dict(found)
    shown = {name: _without(value, reasons) for name, value in found.items()}
    return shown | {WITHHELD: reasons}


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
