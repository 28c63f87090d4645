"""What has left a worker, as its own log says it: kinds of figures and how many of each, none of them by value."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence

from msgspec import UnsetType

from synergos.domain.preparation import Prepared
from synergos.domain.tags import Purpose
from synergos.learning.algorithms import Bag
from synergos.learning.metrics import Figures
from synergos.wire.answers import EvaluationAnswer, RoundAnswer


class WhatLeft:
    """Counts the answers of one session by what is in them; used by any thread."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    def note(self, kinds: Sequence[str]) -> None:
        """One answer left with figures of these kinds."""
        with self._lock:
            self._counts.update(kinds)

    def summary(self) -> dict[str, int]:
        """How many of each kind, in order of their names."""
        with self._lock:
            return dict(sorted(self._counts.items()))


def of_tensors(bag: Bag, kept: Bag | None) -> list[str]:
    """The kinds of figures among the tensors of an answer to an exchange of a round."""
    return [*bag.sets, *bag.numbers, *(() if kept is None else (f"kept {name}" for name in kept.sets))]


def of_training(answer: RoundAnswer) -> tuple[str, ...]:
    """The kinds of figures that are said beside those."""
    losses = {"first training loss": answer.first_loss, "training loss": answer.train_loss}
    return (*(name for name, loss in losses.items() if not isinstance(loss, UnsetType | None)), *of_evaluation(answer))


def of_evaluation(answer: RoundAnswer | EvaluationAnswer) -> tuple[str, ...]:
    """The kinds of figures that are said of a model that was measured."""
    return () if answer.evaluation is None else ("evaluation loss",)


def of_measurement(purpose: Purpose, found: Figures) -> tuple[str, ...]:
    """The kinds of figures in what was measured on rows; without those that are withheld."""
    told = {**found.statistics, **found.overall, "curves": list(found.curves)}
    return tuple(f"{purpose} {name}" for name, value in told.items() if _has_some(value))


def of_preparation(told: Prepared) -> dict[str, int]:
    """How many columns, levels and so on a preparation tells."""
    features = {feature for header in told.headers.values() for feature in (*header.X, *header.y)}
    found = {
        "columns": len({column for column, _ in features}),
        "levels and labels": sum(level is not None for _, level in features),
        "sums and ranges": sum(len(each.numeric or ()) for each in told.statistics.values()),
        "files with rows": sum(len(about.files) for about in told.metadata.values()),
        "digests": sum(map(len, told.digests.values())),
    }
    return {name: count for name, count in found.items() if count}


def _has_some(value: object) -> bool:
    """Whether anything is there, in a list by class or a matrix too."""
    return any(map(_has_some, value)) if isinstance(value, list) else value is not None
