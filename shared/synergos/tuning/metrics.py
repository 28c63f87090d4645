"""Which statistics a study can go by, and which of their values are better. A client's installation is enough for it."""

from __future__ import annotations

from collections.abc import Mapping

from synergos.domain.feature_space import Action
from synergos.domain.study import Direction
from synergos.errors import InvalidRequest, UnknownName

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


def metrics_of(action: Action) -> tuple[str, ...]:
    """The statistics that a study of such a project can go by."""
    return tuple(_DIRECTIONS[action])


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
