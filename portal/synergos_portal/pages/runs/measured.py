"""What was measured of a run's model, of all participants together and of each: figures over all rows, and class by class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from synergos_portal.pages.launch.comparison import Record, labels_of, pooled

MOST_CLASSES = 100
"""Shown; all of them are in the CSV of a comparison."""


@dataclass(frozen=True)
class Figures:
    """What was measured of the rows of one participant, or of all.

    Attributes:
        participant: None for all together.
        overall: by name.
        names: of the statistics that each class has.
        classes: each class's label with its statistics, in the order of ``names``; so many of them at most as are shown.
        count: how many classes there are.
    """

    participant: str | None
    overall: Mapping[str, Any]
    names: Sequence[str]
    classes: Sequence[tuple[str, Sequence[Any]]]
    count: int

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to be shown."""
        return not self.overall and not self.classes


def measured(validations: Sequence[Record], figures: Mapping[str, Any]) -> list[Figures]:
    """Of all participants together, then of each.

    Args:
        figures: of the model, which those are told who are told no validation.
    """
    together = pooled(validations) or figures.get("pooled") or {}
    own = {str(each["key"].get("participant_id")): each.get("evaluate") or {} for each in validations}
    found = [_figures(None, together), *(_figures(who, own[who]) for who in sorted(own))]
    return [each for each in found if not each.is_empty]


def _figures(participant: str | None, told: Mapping[str, Any]) -> Figures:
    statistics = told.get("statistics") or {}
    by_class = {name: value for name, value in statistics.items() if isinstance(value, list)}
    count = max(map(len, by_class.values()), default=0)
    whole = {name: value for name, value in by_class.items() if len(value) == count}
    rows = zip(*whole.values(), strict=True)
    labels = [str(label) for label in labels_of(told, count)]
    classes = list(zip(labels, rows, strict=False))[:MOST_CLASSES]
    overall = {**statistics, **(told.get("overall") or {})}
    return Figures(
        participant,
        {name: value for name, value in overall.items() if isinstance(value, int | float | str)},
        list(whole),
        classes,
        count,
    )
