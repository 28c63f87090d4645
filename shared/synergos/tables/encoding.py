"""Cells as the inputs of a feature space: the same numbers, to the last bit, wherever it is done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from synergos.domain.feature_space import Feature, FeatureSpace
from synergos.errors import FeatureDrift
from synergos.tables.cells import Levels


def encode(
    numeric: Sequence[str], numbers: NDArray[np.float64], categorical: Mapping[str, Levels], space: FeatureSpace
) -> NDArray[np.float32]:
    """Rows as a network takes them: one-hot categories, numbers scaled.

    Args:
        numeric: names of the columns of ``numbers``.
        numbers: (rows, numeric columns); NaN where a cell is missing.

    Returns:
        (rows, inputs of the space).

    Raises:
        FeatureDrift: a column or level is not in the space.
    """
    position = {feature: index for index, feature in enumerate(space.X)}
    inputs = np.zeros((len(numbers), len(space.X)), dtype=np.float32)
    inputs[:, [_place(position, Feature(name)) for name in numeric]] = _scaled(numeric, numbers, space)
    every_row = np.arange(len(numbers))
    for name, column in categorical.items():
        places = _places(position, name, column, space)
        inputs[every_row, places[column.codes]] = 1.0
    return inputs


def _scaled(numeric: Sequence[str], numbers: NDArray[np.float64], space: FeatureSpace) -> NDArray[np.float64]:
    """The numeric columns, missing cells filled, between 0 and 1 where the training rows were."""
    columns = [space.numeric[_known(name, space.numeric)] for name in numeric]
    minimum = np.array([column.minimum for column in columns])
    span = np.array([column.maximum for column in columns]) - minimum
    mean = np.array([column.mean for column in columns])
    values = np.where(np.isnan(numbers), mean, numbers)
    values -= minimum
    constant = span == 0
    values /= np.where(constant, 1.0, span)
    values[:, constant] = 0.0
    return values


def _places(position: Mapping[Feature, int], name: str, column: Levels, space: FeatureSpace) -> NDArray[np.intp]:
    """Where each code of a column has its one; the last entry is for code -1, a missing cell."""
    agreed = space.categorical[_known(name, space.categorical)]
    return np.array([_place(position, Feature(name, level)) for level in (*column.levels, agreed.most_frequent)])


def _place(position: Mapping[Feature, int], feature: Feature) -> int:
    if feature not in position:
        raise FeatureDrift(f"{str(feature)!r} is not one of those agreed at alignment")
    return position[feature]


def _known(name: str, agreed: Mapping[str, object]) -> str:
    if name not in agreed:
        raise FeatureDrift(f"column {name!r} is not one of those agreed at alignment")
    return name
