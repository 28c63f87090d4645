"""The objective of a study: one number of a trained run, out of its validations at all participants."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from synergos.domain.class_figures import of_classes_with_rows


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


def objective(metric: str, statistics: Iterable[Mapping[str, object]]) -> Objective | None:
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
