"""Cells as the inputs of a feature space: the same numbers, to the last bit, wherever it is done.

A row is encoded by itself: nothing depends on the rows beside it. Whatever is not there, be it a cell, a column of the file, a
column of the whole site or a level that nobody trained, is filled as the space says: with the mean or the most frequent level.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from synergos.domain.feature_space import Feature, FeatureSpace
from synergos.errors import FeatureDrift
from synergos.tables.cells import Levels

_ROWS_AT_ONCE = 8192
"""Of numbers, so that what is calculated with stays in the processor's cache."""


def encode(
    numeric: Sequence[str], numbers: NDArray[np.float64], categorical: Mapping[str, Levels], space: FeatureSpace
) -> NDArray[np.float32]:
    """Rows as a network takes them: one-hot categories, numbers scaled. Columns that the space lacks are no inputs.

    Args:
        numeric: names of the columns of ``numbers``.
        numbers: (rows, numeric columns); NaN where a cell is missing.

    Returns:
        (rows, inputs of the space).

    Raises:
        FeatureDrift: a column is numeric here and categorical in the space, or the other way round.
    """
    refuse_other_kinds(numeric, categorical, space)
    position = {feature: index for index, feature in enumerate(space.X)}
    inputs = np.zeros((len(numbers), len(space.X)), dtype=np.float32)
    _put_numbers(inputs, [position[Feature(name)] for name in space.numeric], numeric, numbers, space)
    every_row = np.arange(len(numbers))
    for name, agreed in space.categorical.items():
        places = np.array([position[Feature(name, level)] for level in agreed.levels])
        filled = agreed.levels.index(agreed.most_frequent)
        codes = _codes(categorical[name], agreed.levels, filled) if name in categorical else filled
        inputs[every_row, places[codes]] = 1.0
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


def _put_numbers(
    inputs: NDArray[np.float32],
    places: Sequence[int],
    numeric: Sequence[str],
    numbers: NDArray[np.float64],
    space: FeatureSpace,
) -> None:
    """The numeric columns, missing cells filled, between 0 and 1 where the training rows were."""
    agreed = list(space.numeric.values())
    minimum, maximum, mean = (
        np.array([getattr(column, name) for column in agreed], dtype=np.float64)
        for name in ("minimum", "maximum", "mean")
    )
    span = maximum - minimum
    divisor = np.where(span == 0, 1.0, span)
    constant = np.flatnonzero(span == 0)
    source = {name: index for index, name in enumerate(numeric)}
    here = [index for index, name in enumerate(space.numeric) if name in source]
    columns = [source[name] for name in space.numeric if name in source]
    for start in range(0, len(numbers), _ROWS_AT_ONCE):
        rows = slice(start, start + _ROWS_AT_ONCE)
        values = np.tile(mean, (len(numbers[rows]), 1))
        found = numbers[rows][:, columns]
        values[:, here] = np.where(np.isnan(found), mean[here], found)
        values -= minimum
        values /= divisor
        values[:, constant] = 0.0
        inputs[rows, places] = values


def _codes(column: Levels, levels: Sequence[str], otherwise: int) -> NDArray[np.intp]:
    """Codes into ``levels``; ``otherwise`` where a cell is missing or its level is none of them."""
    position = {level: index for index, level in enumerate(levels)}
    # The last entry serves code -1.
    lookup = [*(position.get(level, otherwise) for level in column.levels), otherwise]
    found: NDArray[np.intp] = np.array(lookup, dtype=np.intp)[column.codes]
    return found
