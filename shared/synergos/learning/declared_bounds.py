"""Bounds that participants declare of a column are a contract: what anybody tells of it lies within those of the others."""

from __future__ import annotations

import math
from collections.abc import Mapping

from synergos.domain.preparation import Prepared
from synergos.domain.tags import Purpose
from synergos.errors import InvalidRequest
from synergos.learning.near_misses import shown

Bounds = tuple[float, float]
_DIGITS = 2
"""What is told may be rounded outwards to so many; see docs/datasets.md."""


def check_bounds(polled: Mapping[str, Prepared]) -> None:
    """Refuse a minimum or maximum beyond all bounds that others declare of the column, or beyond one's own.

    Nobody widens by what it declares what it may tell: where others declare bounds, its own do not count.

    Raises:
        InvalidRequest: names the column, who tells such a value and who declares the bounds; repeats no value.
    """
    declared = {who: _declared(prepared) for who, prepared in polled.items()}
    for who, prepared in polled.items():
        for column, told in prepared.statistics.get(Purpose.TRAIN, {}).get("numeric", {}).items():
            by = [other for other in polled if other != who and column in declared[other]]
            by = by or ([who] if column in declared[who] else [])
            if by and told["count"] and not _is_within(told, [declared[other][column] for other in by]):
                raise InvalidRequest(
                    f"{who} tells of column {shown(column)} a minimum or maximum beyond the bounds that {', '.join(by)} declared; "
                    "expected values within them, or the same wider bounds in everybody's schema.json",
                    column,
                )


def _declared(prepared: Prepared) -> dict[str, Bounds]:
    """The bounds of one participant's rows to train on."""
    found = prepared.metadata.get(Purpose.TRAIN, {}).get("bounds", {})
    return {column: (low, high) for column, (low, high) in found.items()}


def _is_within(told: Mapping[str, float], bounds: list[Bounds]) -> bool:
    low, high = min(low for low, _ in bounds), max(high for _, high in bounds)
    return told["minimum"] >= -_up(-low) and told["maximum"] <= _up(high)


def _up(value: float) -> float:
    """A bound as far as it can be told: rounded up."""
    if value == 0:
        return value
    unit = 10.0 ** (math.floor(math.log10(abs(value))) + 1 - _DIGITS)
    # Room for what the division itself loses.
    return max(value, (math.ceil(value / unit) + 1e-9) * unit)
