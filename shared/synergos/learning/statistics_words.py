"""What the statistics of a validation are, and which of their values are better, for whoever shows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from synergos.domain.feature_space import Action
from synergos.domain.study import Direction

_MORE, _LESS = Direction.MAXIMUM, Direction.MINIMUM


class Statistic(Struct, frozen=True, kw_only=True):
    """One of them.

    Attributes:
        direction: which values are better; None where neither is.
        is_per_class: whether there is one for each class, each against the rest.
        is_overall: whether it is of all rows together, and stands in ``overall``.
    """

    name: str
    description: str
    direction: Direction | None
    is_per_class: bool = False
    is_overall: bool = False


_OF_CLASSES: Mapping[str, tuple[Direction, str]] = {
    "accuracy": (_MORE, "The part of all rows that is told rightly to be of the class, or not."),
    "roc_auc_score": (_MORE, "How well rows of the class are ranked before others: 0.5 is chance, 1 is perfect."),
    "pr_auc_score": (_MORE, "Precision averaged over recall; worth more than the ROC area where the class is rare."),
    "f_score": (_MORE, "The harmonic mean of precision and recall."),
    "TPRs": (_MORE, "Recall: the part of the class's rows that is found."),
    "TNRs": (_MORE, "Specificity: the part of the other rows that is left out."),
    "PPVs": (_MORE, "Precision: the part of what is said to be of the class that is."),
    "NPVs": (_MORE, "The part of what is said not to be of the class that is not."),
    "FPRs": (_LESS, "The part of the other rows that is said to be of the class."),
    "FNRs": (_LESS, "The part of the class's rows that is missed."),
    "FDRs": (_LESS, "The part of what is said to be of the class that is not."),
    "TPs": (_MORE, "Rows of the class that are found."),
    "TNs": (_MORE, "Other rows that are left out."),
    "FPs": (_LESS, "Other rows that are said to be of the class."),
    "FNs": (_LESS, "Rows of the class that are missed."),
}
_OF_NUMBERS: Mapping[str, tuple[Direction, str]] = {
    "R2": (_MORE, "The part of the variance that is explained: 1 is perfect, 0 is as good as the mean."),
    "MSE": (_LESS, "The mean of the squared errors."),
    "MAE": (_LESS, "The mean size of the errors, in the unit of what is predicted."),
}
_OVERALL: Mapping[Action, Mapping[str, tuple[Direction | None, str]]] = {
    Action.CLASSIFY: {
        "rows": (None, "How many rows are counted."),
        "accuracy": (_MORE, "The part of all rows whose class is told rightly."),
        "balanced_accuracy": (_MORE, "The mean of the classes' recalls, so that rare ones count as much."),
        "brier_score": (_LESS, "The mean squared distance of the probabilities from what is true."),
        "calibration_error": (_LESS, "By how much said probabilities are off, on average."),
        "confusion_matrix": (None, "How many rows of each true class are said to be of each class."),
    },
    Action.REGRESS: {
        "rows": (None, "How many rows are counted."),
        "target_mean": (None, "The mean of the true values."),
        "target_variance": (None, "The variance of the true values."),
    },
}


def statistics_of(action: Action) -> Sequence[Statistic]:
    """The statistics of projects that do this, those by which runs are compared first."""
    is_per_class = action is Action.CLASSIFY
    single = _OF_CLASSES if is_per_class else _OF_NUMBERS
    return [
        *(_statistic(name, each, is_per_class=is_per_class) for name, each in single.items()),
        *(_statistic(name, each, is_overall=True) for name, each in _OVERALL[action].items()),
    ]


def _statistic(
    name: str, said: tuple[Direction | None, str], *, is_per_class: bool = False, is_overall: bool = False
) -> Statistic:
    direction, text = said
    return Statistic(name=name, description=text, direction=direction, is_per_class=is_per_class, is_overall=is_overall)
