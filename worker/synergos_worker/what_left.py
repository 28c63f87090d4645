"""What has left a worker, as its own log says it: kinds of figures and how many of each, none of them by value."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from synergos.domain.preparation import Prepared
from synergos.learning.algorithms import Bag

_ALONGSIDE = {"first_loss": "first training loss", "train_loss": "training loss", "evaluation": "evaluation loss"}
"""What an answer has beside tensors and that follows from rows."""


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


def of_round(bag: Bag, kept: Bag | None, said: Mapping[str, Any]) -> list[str]:
    """The kinds of figures in an answer to an exchange of a round.

    Args:
        said: beside the tensors.
    """
    kinds = [*bag.sets, *bag.numbers, *(() if kept is None else (f"kept {name}" for name in kept.sets))]
    return [*kinds, *of_evaluation(said)]


def of_evaluation(said: Mapping[str, Any]) -> list[str]:
    """The kinds of figures that are said of a model beside its tensors."""
    return [name for field, name in _ALONGSIDE.items() if said.get(field) is not None]


def of_measurement(results: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The kinds of figures in what was measured, by purpose; without those that are withheld."""
    return [
        f"{purpose} {name}"
        for purpose, found in results.items()
        for name, value in _told(found).items()
        if _has_some(value)
    ]


def _told(found: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**found.get("statistics", {}), **found.get("overall", {}), "curves": found.get("curves")}


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


def _has_some(value: Any) -> bool:
    """Whether anything is there, in a list by class or a matrix too."""
    return any(map(_has_some, value)) if isinstance(value, list) else value is not None
