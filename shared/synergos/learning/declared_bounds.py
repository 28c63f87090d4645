"""Bounds that participants declare of a column are a contract: what anybody tells of it lies within those of the others."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from synergos.domain.preparation import Statistics, Sums
from synergos.errors import InvalidRequest
from synergos.learning.near_misses import shown

_DIGITS = 2
"""What is told may be rounded outwards to so many; see docs/datasets.md."""


def check_bounds(statistics: Mapping[str, Statistics], declared: Mapping[str, Mapping[str, Sequence[float]]]) -> None:
    """Refuse a minimum or maximum beyond all bounds that others declare of the column, or beyond one's own.

    Nobody widens by what it declares what it may tell: where others declare bounds, its own do not count.

    Args:
        statistics: by participant.
        declared: the smallest and the largest value, by participant and column.

    Raises:
        InvalidRequest: names the column, who tells such a value and who declares the bounds; repeats no value.
    """
    for who, told in statistics.items():
        for column, sums in (told.numeric or {}).items():
            by = [other for other in statistics if other != who and column in declared[other]]
            by = by or ([who] if column in declared[who] else [])
            if by and sums.count and not _is_within(sums, [declared[other][column] for other in by]):
                raise InvalidRequest(
                    f"{who} tells of column {shown(column)} a minimum or maximum beyond the bounds that {', '.join(by)} declared; "
                    "expected values within them, or the same wider bounds in everybody's schema.json",
                    column,
                )


def _is_within(told: Sums, bounds: list[Sequence[float]]) -> bool:
    low, high = min(low for low, _ in bounds), max(high for _, high in bounds)
    # Where there are cells, there are both.
    return (told.minimum is None or told.minimum >= -_up(-low)) and (told.maximum is None or told.maximum <= _up(high))


def _up(value: float) -> float:
    """A bound as far as it can be told: rounded up."""
    if value == 0:
        return value
    unit = 10.0 ** (math.floor(math.log10(abs(value))) + 1 - _DIGITS)
    # Room for what the division itself loses.
    return max(value, (math.ceil(value / unit) + 1e-9) * unit)
