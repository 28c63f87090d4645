"""What one participant is told of the feature space: everything of the columns it has, and of others what fills them.

It is a feature space itself, so that rows become inputs by it as by the whole one, to the last bit. Of a numeric column that the
participant lacks there is no range in it but 0 to 1, in which the mean lies where it lies in the true range; of a categorical one
no level, but as many texts that no cell can be.
"""

from __future__ import annotations

from collections.abc import Collection, Set
from dataclasses import replace

from synergos.domain.feature_space import CategoricalColumn, Feature, FeatureSpace, NumericColumn


def told(space: FeatureSpace, own: Collection[str]) -> FeatureSpace:
    """The feature space as a participant is told it.

    Args:
        own: the raw columns that the participant has, for whatever purpose.
    """
    lacked = (space.numeric.keys() | space.categorical.keys()) - set(own)
    return _without(space, lacked) if lacked else space


def _without(space: FeatureSpace, columns: Set[str]) -> FeatureSpace:
    """The same space with nothing of some columns but their names, their kinds and what fills them."""
    categorical = {name: _hidden(found) if name in columns else found for name, found in space.categorical.items()}
    numeric = {name: _fill_alone(found) if name in columns else found for name, found in space.numeric.items()}
    told_as = {
        Feature(name, level): Feature(name, hidden)
        for name in columns & space.categorical.keys()
        for level, hidden in zip(space.categorical[name].levels, categorical[name].levels, strict=True)
    }
    X = tuple(told_as.get(feature, feature) for feature in space.X)
    options = {**space.options}
    if declared := options.pop("columns", None):
        options["columns"] = {name: said for name, said in declared.items() if name not in columns}
    return replace(space, X=X, numeric=numeric, categorical=categorical, options=options)


def _hidden(column: CategoricalColumn) -> CategoricalColumn:
    # Blanks around a cell are no part of it.
    levels = tuple(f" {position}" for position in range(len(column.levels)))
    return CategoricalColumn(levels, levels[column.levels.index(column.most_frequent)])


def _fill_alone(column: NumericColumn) -> NumericColumn:
    # The same two operations in the same order as where cells are scaled.
    span = column.maximum - column.minimum
    return NumericColumn(0.0, 1.0, (column.mean - column.minimum) / span if span else 0.0)
