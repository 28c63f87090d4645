"""Tables: aligned columns become the inputs; numbers are scaled and categories one-hot, over everybody's training rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from synergos.domain.feature_space import Action, CategoricalColumn, FeatureSpace, NumericColumn
from synergos.domain.tags import Purpose
from synergos.errors import InvalidRequest, WireFormatError
from synergos.learning.column_alignment import LABEL, Alignment
from synergos.learning.datatypes.datatype import Metadata, Polled
from synergos.learning.federated_statistics import NEVER_SEEN, check_kinds, combine, most_frequent

_CATEGORICAL = frozenset({"category", "object", "str", "string"})


class Tabular:
    """See :class:`~synergos.learning.datatypes.datatype.DataType`; a row is (columns,)."""

    name = "tabular"

    def agree(self, polled: Mapping[str, Polled], alignment: Alignment, action: Action) -> FeatureSpace:
        """All columns that exist anywhere, with their scaling, and what fills a missing cell."""
        numeric, categorical = _columns(polled, alignment.X)
        return FeatureSpace(self.name, action, alignment.X, alignment.y, (len(alignment.X),), numeric, categorical)

    def drift(self, metadata: Metadata, space: FeatureSpace) -> list[str]:
        """Nothing: a table is its columns."""
        return []

    def codes(self, space: FeatureSpace) -> int:
        """0 and 1 of a category's columns, and as many as there are columns."""
        return max(2, len(space.X))


def _columns(
    polled: Mapping[str, Polled], names: tuple[str, ...]
) -> tuple[dict[str, NumericColumn], dict[str, CategoricalColumn]]:
    """The raw columns behind the aligned ``names``, with what the training rows say about them."""
    kinds = {participant: _kinds(found) for participant, found in polled.items()}
    check_kinds(kinds)
    numeric, categorical = combine({who: found["statistics"].get(Purpose.TRAIN, {}) for who, found in polled.items()})
    everyone = [column for columns in kinds.values() for column in columns.items()]
    plain = {column for column, kind in everyone if kind == "numeric"}
    categories = {column for column, kind in everyone if kind == "categorical"}
    levels: dict[str, list[str]] = {}
    for name in names:
        readings = list(_readings(name, categories))
        trained = [reading for reading in readings if _is_known(*reading, categorical)]
        if name in plain and trained:
            raise InvalidRequest(
                f"{name!r} is a column and also a level of {trained[0][0]!r}; rename one of them", name
            )
        if name not in plain and not readings:
            raise WireFormatError(
                f"column {name!r} is neither in the schema nor a level of one that is", _owner(name, polled)
            )
        if name not in plain:
            column, level = (trained or readings)[0]
            levels.setdefault(column, []).append(level)
    return (
        {name: numeric.get(name, NEVER_SEEN) for name in names if name in plain},
        {column: _with_levels(categorical.get(column), found) for column, found in sorted(levels.items())},
    )


def _with_levels(trained: CategoricalColumn | None, levels: list[str]) -> CategoricalColumn:
    """A column with the levels that exist anywhere, as the most frequent one of the training rows."""
    everywhere = most_frequent(levels, {})
    return replace(everywhere, most_frequent=trained.most_frequent) if trained else everywhere


def _kinds(found: Polled) -> dict[str, str]:
    """``numeric`` or ``categorical`` for every column of a participant's tables, the label left out."""
    return {
        column: "categorical" if dtype in _CATEGORICAL else "numeric"
        for schema in found["schemas"].values()
        for column, dtype in schema.items()
        if column != LABEL
    }


def _readings(name: str, columns: set[str]) -> Iterator[tuple[str, str]]:
    """Every way to read a name as ``<column>_<level>``, longest column first."""
    for position in range(len(name) - 1, 0, -1):
        if name[position] == "_" and name[:position] in columns:
            yield name[:position], name[position + 1 :]


def _is_known(column: str, level: str, categorical: Mapping[str, CategoricalColumn]) -> bool:
    return column in categorical and level in categorical[column].levels


def _owner(name: str, polled: Mapping[str, Polled]) -> str:
    """Who reported a column."""
    return next(who for who, found in polled.items() if any(name in table["X"] for table in found["headers"].values()))


TABULAR = Tabular()
