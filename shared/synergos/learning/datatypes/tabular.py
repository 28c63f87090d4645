"""Tables: aligned columns become the inputs; numbers are scaled and categories one-hot, over everybody's training rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from synergos.domain.declared_column import DeclaredColumn
from synergos.domain.feature_space import LABEL, Action, CategoricalColumn, Feature, FeatureSpace, NumericColumn
from synergos.domain.preparation import Number, Prepared, Rows, Statistics, TableMetadata
from synergos.domain.tags import Purpose
from synergos.errors import WireFormatError
from synergos.learning.column_alignment import Alignment
from synergos.learning.column_declarations import agreed_declarations, declared_otherwise
from synergos.learning.declared_bounds import check_bounds
from synergos.learning.federated_statistics import NEVER_SEEN, check_kinds, combine, most_frequent
from synergos.schema import Definition

_CATEGORICAL = frozenset({"category", "object", "str", "string"})


class TabularMetadata(TableMetadata, frozen=True, kw_only=True):
    """What is said of a table.

    Attributes:
        bounds: the smallest and the largest value that schemas declare, by numeric column; unset where they declare none.
    """

    cells: Mapping[str, Mapping[str, Rows]] = {}
    columns: Mapping[str, DeclaredColumn] = {}
    bounds: Mapping[str, Annotated[tuple[Number, ...], Meta(min_length=2, max_length=2)]] | UnsetType = UNSET

    @property
    def by_column(self) -> Mapping[str, Mapping[str, object]]:
        """See :class:`~synergos.domain.preparation.TableMetadata`."""
        return {"cells": self.cells, "columns": self.columns, "bounds": self.bounds or {}}


class Tabular:
    """See :class:`~synergos.learning.datatypes.datatype.DataType`; a row is (columns,)."""

    name = "tabular"
    metadata = Definition(TabularMetadata, quotes=False)

    def agree(self, polled: Mapping[str, Prepared], alignment: Alignment, action: Action) -> FeatureSpace:
        """All columns that exist anywhere, with their scaling, and what fills a missing cell."""
        numeric, categorical = _columns(polled, alignment.X)
        return FeatureSpace(
            datatype=self.name,
            action=action,
            X=alignment.X,
            y=alignment.y,
            input_shape=(len(alignment.X),),
            numeric=numeric,
            categorical=categorical,
            options=_options(polled, {*numeric, *categorical, LABEL}),
        )

    def drift(self, metadata: TableMetadata, space: FeatureSpace) -> list[str]:
        """Columns of another type, unit or order than was agreed."""
        columns = {*space.numeric, *space.categorical, LABEL}
        return declared_otherwise(metadata.columns, space.options.get("columns", {}), columns)

    def columns(self, space: FeatureSpace) -> tuple[str, ...]:
        """See :class:`~synergos.learning.datatypes.datatype.DataType`."""
        return (*space.numeric, *space.categorical)

    def codes(self, space: FeatureSpace) -> int:
        """0 and 1 of a category's columns, and as many as there are columns."""
        return max(2, len(space.X))


def _columns(
    polled: Mapping[str, Prepared], features: Sequence[Feature]
) -> tuple[dict[str, NumericColumn], dict[str, CategoricalColumn]]:
    """The columns behind the aligned ``features``, with what the training rows say about them."""
    kinds = {participant: _kinds(found) for participant, found in polled.items()}
    check_kinds(kinds)
    check_bounds(_told(polled), {who: _bounds(found) for who, found in polled.items()})
    for participant, found in polled.items():
        _check_features(found, kinds[participant], participant)
    numeric, categorical = combine(_told(polled))
    levels: dict[str, list[str]] = {}
    for column, level in features:
        if level is not None:
            levels.setdefault(column, []).append(level)
    return (
        {column: numeric.get(column, NEVER_SEEN) for column, level in features if level is None},
        {column: _with_levels(categorical.get(column), found) for column, found in levels.items()},
    )


def _told(polled: Mapping[str, Prepared]) -> dict[str, Statistics]:
    """What each participant tells of its training rows."""
    return {who: found.statistics.get(Purpose.TRAIN, Statistics()) for who, found in polled.items()}


def _bounds(found: Prepared) -> Mapping[str, Sequence[float]]:
    """Those that a participant declares for its training rows."""
    metadata = found.metadata.get(Purpose.TRAIN)
    return {} if metadata is None else TabularMetadata.of(metadata).bounds or {}


def _options(polled: Mapping[str, Prepared], columns: set[str]) -> dict[str, object]:
    """What is declared of the columns, where that is more than a number or a category."""
    declared = {column: said for column, said in agreed_declarations(polled).items() if column in columns}
    return {"columns": declared} if declared else {}


def _with_levels(trained: CategoricalColumn | None, levels: list[str]) -> CategoricalColumn:
    """A column with the levels that exist anywhere, as the most frequent one of the training rows."""
    everywhere = most_frequent(levels, {})
    if trained is None or trained.most_frequent not in everywhere.levels:
        return everywhere
    return replace(everywhere, most_frequent=trained.most_frequent)


def _kinds(found: Prepared) -> dict[str, str]:
    """``numeric`` or ``categorical`` for every column of a participant's tables, the label left out."""
    return {
        column: "categorical" if dtype in _CATEGORICAL else "numeric"
        for schema in found.schemas.values()
        for column, dtype in schema.items()
        if column != LABEL
    }


def _check_features(found: Prepared, kinds: Mapping[str, str], participant: str) -> None:
    """Refuse features that are not columns of the participant's own schemas, as what they are."""
    for header in found.headers.values():
        for column, level in header.X:
            if kinds.get(column) != ("numeric" if level is None else "categorical"):
                raise WireFormatError(f"the features of column {column!r} are not as its schema says", participant)


TABULAR = Tabular()
