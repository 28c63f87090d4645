"""Cells as the inputs of a feature space: the same numbers, to the last bit, wherever it is done.

A row is encoded by itself: nothing depends on the rows beside it. Whatever is not there, be it a cell, a column of the file, a
column of the whole site or a level that nobody trained, is filled as the space says: with the mean or the most frequent level.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from synergos.domain.feature_space import CategoricalColumn, Feature, FeatureSpace
from synergos.errors import FeatureDrift
from synergos.tables.cells import Levels
from synergos.tables.memory import let_go, zeros

_ROWS_AT_ONCE = 2048
"""So that what is calculated with stays in the processor's cache."""
_ROWS_LET_GO = 32 * _ROWS_AT_ONCE
"""So that what is not given back, parts of pages at both ends of each column, is little of it."""


def encode(
    numeric: Sequence[str],
    numbers: NDArray[np.float64],
    categorical: Mapping[str, Levels],
    space: FeatureSpace,
    *,
    uses_up: bool = False,
) -> NDArray[np.float32]:
    """Rows as a network takes them: one-hot categories, numbers scaled. Columns that the space lacks are no inputs.

    Args:
        numeric: names of the columns of ``numbers``.
        numbers: (rows, numeric columns); NaN where a cell is missing.
        uses_up: what has been encoded of ``numbers`` is given back to the system, so that both are never there as a whole.

    Returns:
        (rows, inputs of the space).

    Raises:
        FeatureDrift: a column is numeric here and categorical in the space, or the other way round.
    """
    refuse_other_kinds(numeric, categorical, space)
    position = {feature: index for index, feature in enumerate(space.X)}
    scaling = _Scaling(numeric, space)
    places = {
        name: _places(categorical.get(name), agreed, [position[Feature(name, level)] for level in agreed.levels])
        for name, agreed in space.categorical.items()
    }
    inputs = zeros((len(numbers), len(space.X)), np.float32)
    for start in range(0, len(numbers), _ROWS_AT_ONCE):
        rows = slice(start, start + _ROWS_AT_ONCE)
        block = inputs[rows]
        block[:, scaling.places] = scaling.scaled(numbers[rows])
        cells, first_of_row = block.reshape(-1), np.arange(len(block)) * len(space.X)
        for name, of_code in places.items():
            codes = categorical[name].codes[rows] if name in categorical else -1
            cells[first_of_row + of_code[codes]] = 1.0
        if uses_up and (start + len(block)) % _ROWS_LET_GO == 0:
            let_go(numbers, start + len(block))
    return inputs


def never_trained(categorical: Mapping[str, Levels], space: FeatureSpace) -> dict[str, NDArray[np.bool_]]:
    """The rows whose level of a column nobody trained, by column, where there are any; such a cell counts as missing.

    Returns:
        Of each column (rows,), true where it is so. Columns that are no inputs are not among them.
    """
    found = {
        name: (_codes(categorical[name], agreed.levels, -1) < 0) & (categorical[name].codes >= 0)
        for name, agreed in space.categorical.items()
        if name in categorical
    }
    return {name: rows for name, rows in found.items() if rows.any()}


def refuse_other_kinds(numeric: Sequence[str], categorical: Mapping[str, Levels], space: FeatureSpace) -> None:
    """Refuse columns that are numbers here and categories in the space, or the other way round.

    Raises:
        FeatureDrift: names the first.
    """
    for name in numeric:
        if name in space.categorical:
            raise FeatureDrift(f"column {name!r} is numeric here and was categorical at alignment")
    for name in categorical:
        if name in space.numeric:
            raise FeatureDrift(f"column {name!r} is categorical here and was numeric at alignment")


class _Scaling:
    """Numbers, the mean where one is missing, between 0 and 1 where the training rows were; all columns of some rows at once.

    Attributes:
        places: of the numeric columns among the inputs.
    """

    def __init__(self, numeric: Sequence[str], space: FeatureSpace) -> None:
        position = {feature: index for index, feature in enumerate(space.X)}
        source = {name: index for index, name in enumerate(numeric)}
        columns = space.numeric.values()
        places = [position[Feature(name)] for name in space.numeric]
        self.places: slice | list[int] = places
        if places and places == list(range(places[0], places[-1] + 1)):
            # As they mostly are: a slice is written without looking each place up.
            self.places = slice(places[0], places[-1] + 1)
        self._there = [place for place, name in enumerate(space.numeric) if name in source]
        self._sources = [source[name] for name in space.numeric if name in source]
        self._means = np.array([column.mean for column in columns])
        self._minima = np.array([column.minimum for column in columns])
        spans = np.array([column.maximum for column in columns]) - self._minima
        self._constant = spans == 0
        self._spans = np.where(self._constant, 1.0, spans)

    def scaled(self, numbers: NDArray[np.float64]) -> NDArray[np.float64]:
        """(rows, numeric columns of the space) of (rows, numeric columns of the table)."""
        values = np.full((len(numbers), len(self._means)), np.nan)
        values[:, self._there] = numbers[:, self._sources]
        np.copyto(values, self._means, where=np.isnan(values))
        np.subtract(values, self._minima, out=values)
        np.divide(values, self._spans, out=values)
        values[:, self._constant] = 0.0
        return values


def _places(column: Levels | None, agreed: CategoricalColumn, places: Sequence[int]) -> NDArray[np.intp]:
    """Which input is one, by a column's code; the last entry serves code -1, a cell that is missing.

    Args:
        places: of the agreed levels among the inputs.
    """
    place = dict(zip(agreed.levels, places, strict=True))
    filled = place[agreed.most_frequent]
    return np.array([*(place.get(level, filled) for level in (column.levels if column else ())), filled], dtype=np.intp)


def _codes(column: Levels, levels: Sequence[str], otherwise: int) -> NDArray[np.intp]:
    """Codes into ``levels``; ``otherwise`` where a cell is missing or its level is none of them."""
    position = {level: index for index, level in enumerate(levels)}
    # The last entry serves code -1.
    lookup = [*(position.get(level, otherwise) for level in column.levels), otherwise]
    found: NDArray[np.intp] = np.array(lookup, dtype=np.intp)[column.codes]
    return found
