"""Scaling and imputation over the training rows of all participants, from what each reports: sums, counts, minima, maxima."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from synergos.domain.feature_space import LABEL, CategoricalColumn, NumericColumn
from synergos.domain.natural_order import natural_order
from synergos.domain.preparation import Statistics, Sums
from synergos.errors import InvalidRequest, WireFormatError

NEVER_SEEN = NumericColumn(minimum=0.0, maximum=0.0, mean=0.0)
"""A column without one training cell: it scales to the constant 0, as nothing is known about it."""


def combine(
    statistics: Mapping[str, Statistics],
) -> tuple[dict[str, NumericColumn], dict[str, CategoricalColumn]]:
    """Scaling and imputation of every column, over the training rows of all participants.

    Args:
        statistics: by participant.

    Returns:
        Numeric columns: minimum, maximum and mean over all rows. Categorical ones: all levels in natural order and the most
        frequent (of equally frequent ones the first). The label is left out.

    Raises:
        InvalidRequest: a column is numeric for one participant and categorical for another.
        WireFormatError: a participant has cells in a column and no sum, minimum or maximum of them.
    """
    kinds = {
        participant: dict.fromkeys(reported.numeric or (), "numeric")
        | dict.fromkeys(reported.categorical or (), "categorical")
        for participant, reported in statistics.items()
    }
    check_kinds(kinds)
    numeric: dict[str, list[tuple[int, float, float, float]]] = {}
    categorical: dict[str, Counter[str]] = {}
    for participant, reported in statistics.items():
        for column, found in (reported.numeric or {}).items():
            numeric.setdefault(column, []).extend(_sums(found, column, participant))
        for column, counts in (reported.categorical or {}).items():
            categorical.setdefault(column, Counter()).update({level: int(count) for level, count in counts.items()})
    return (
        {column: _numeric(parts) for column, parts in numeric.items() if column != LABEL},
        {column: most_frequent(counts, counts) for column, counts in categorical.items() if column != LABEL and counts},
    )


def check_kinds(kinds: Mapping[str, Mapping[str, str]]) -> None:
    """Refuse columns that are numeric for one participant and categorical for another."""
    first: dict[str, tuple[str, str]] = {}
    for participant, columns in kinds.items():
        for column, kind in columns.items():
            if column == LABEL:
                continue
            known, owner = first.setdefault(column, (kind, participant))
            if known != kind:
                raise InvalidRequest(
                    f"column is {known} for {owner} and {kind} for {participant}; expected one kind", column
                )


def most_frequent(levels: Iterable[str], counts: Mapping[str, int]) -> CategoricalColumn:
    """A column with those levels in natural order; the most frequent is the first of those with the largest count."""
    ordered = natural_order(levels)
    # max takes the first of equals.
    return CategoricalColumn(tuple(ordered), max(ordered, key=lambda level: counts.get(level, 0)))


def _sums(found: Sums, column: str, participant: str) -> Iterator[tuple[int, float, float, float]]:
    """One participant's part of a numeric column; nothing when it has no cell."""
    if (count := int(found.count)) > 0:
        if found.sum is None or found.minimum is None or found.maximum is None:
            raise WireFormatError(
                f"the statistics of column {column!r} are not count, sum, minimum and maximum", participant
            )
        yield count, found.sum, found.minimum, found.maximum


def _numeric(parts: list[tuple[int, float, float, float]]) -> NumericColumn:
    if not parts:
        return NEVER_SEEN
    minimum, maximum = min(part[2] for part in parts), max(part[3] for part in parts)
    mean = math.fsum(part[1] for part in parts) / sum(part[0] for part in parts)
    return NumericColumn(minimum, maximum, min(max(mean, minimum), maximum))
