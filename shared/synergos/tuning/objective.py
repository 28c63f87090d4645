"""The objective of a study: one number of a trained run, out of its validations at all participants."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from synergos.domain.feature_space import Action
from synergos.domain.study import Direction
from synergos.errors import InvalidRequest, UnknownName
from synergos.learning.metrics import of_classes_with_rows

_DIRECTIONS: Mapping[Action, Mapping[str, Direction]] = {
    Action.CLASSIFY: dict.fromkeys(("accuracy", "roc_auc_score", "pr_auc_score", "f_score"), Direction.MAXIMUM),
    Action.REGRESS: {"R2": Direction.MAXIMUM, "MSE": Direction.MINIMUM, "MAE": Direction.MINIMUM},
}
METRICS = {name: direction for metrics in _DIRECTIONS.values() for name, direction in metrics.items()}
MODES = {
    **dict.fromkeys(("max", "maximize"), Direction.MAXIMUM),
    **dict.fromkeys(("min", "minimize"), Direction.MINIMUM),
}
"""Ray Tune's and NNI's words."""


def check_metric(name: str, mode: str, action: Action) -> tuple[str, Direction]:
    """Which statistic a request means, and which of its values are better.

    The original's notebooks ask for ``accuracy`` whatever a project does; of a regression that means R2.

    Raises:
        InvalidRequest: there is no such statistic, or the mode would look for the worst.
    """
    known = _DIRECTIONS[action]
    if mode not in MODES:
        raise UnknownName(mode, MODES, "optimize_mode", f"one of {', '.join(MODES)}")
    if name not in METRICS:
        raise UnknownName(name, known, "metric", f"one of {', '.join(known)}")
    if name not in known:
        if action is Action.CLASSIFY:
            raise InvalidRequest(f"{name} is of regressions; expected one of {', '.join(known)}", "metric")
        name = "R2"
    if MODES[mode] is not known[name]:
        raise InvalidRequest(
            f"{mode!r} would look for the worst {name}; expected {known[name].value!r}", "optimize_mode"
        )
    return name, known[name]


@dataclass(frozen=True)
class Objective:
    """One number of a trained run.

    Attributes:
        participants: how many it is a mean over: those that have the statistic of some class.
        figures: how many figures went into their means: of a classification those of each class that is measured.
    """

    value: float
    participants: int
    figures: int


def objective(metric: str, statistics: Iterable[Mapping[str, Any]]) -> Objective | None:
    """The mean over participants of the mean over classes; None where it is not defined anywhere.

    Args:
        statistics: of each participant, as :mod:`synergos.learning.metrics` makes them. What is None does not count, nor do any
            figures of a class that the participant has no rows of, whatever was predicted.
    """
    found = [numbers for each in statistics if (numbers := of_classes_with_rows(each, metric))]
    if not found:
        return None
    means = [math.fsum(numbers) / len(numbers) for numbers in found]
    return Objective(math.fsum(means) / len(means), len(found), sum(map(len, found)))
