"""What a validation found as metrics of MLflow: names and numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from synergos.domain.outputs import Measured, Overall, Pooled, Validated
from synergos.finite import is_number
from synergos_ttp.tracking.notes import Point

POOLED = "pooled"
"""In the place of a participant: all of them together."""


def points_of(found: Validated) -> Iterator[Point]:
    """A value for every figure that is a number: ``<participant>_<statistic>``, ``<participant>_overall_<figure>``; of a list
    ``…_class_<number>`` for each class, and ``…_label_<name>`` as well where the classes have names."""
    for participant, result in found.participants.items():
        yield from _points(participant, result.evaluate)
    together = next((result.pooled for result in found.participants.values()), None)
    if isinstance(together, Pooled):
        yield from _points(POOLED, together)


def _points(owner: str, figures: Measured | Pooled) -> Iterator[Point]:
    labels = figures.classes if isinstance(figures.classes, Sequence) else ()
    values: dict[str, object] = {}
    for statistic, value in figures.statistics.items():
        name = f"{owner}_{statistic}"
        values |= _by_class(name, value, labels) if isinstance(value, Sequence) else {name: value}
    if isinstance(figures.overall, Overall):
        values |= {f"{owner}_overall_{name}": getattr(figures.overall, name) for name in Overall.__struct_fields__}
    yield from (Point(name, float(value), 0) for name, value in values.items() if is_number(value))


def _by_class(name: str, values: Sequence[object], labels: Sequence[str | None]) -> Mapping[str, object]:
    numbered = {f"{name}_class_{index}": value for index, value in enumerate(values)}
    return numbered | {f"{name}_label_{label}": value for label, value in zip(labels, values, strict=False) if label}
