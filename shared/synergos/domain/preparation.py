"""What a worker says of a participant's datasets once it has read them: columns and sums, and never a row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Self, TypeAlias

from msgspec import UNSET, Meta, Struct, UnsetType, field

from synergos.domain.declared_column import DeclaredColumn
from synergos.domain.feature_space import Feature
from synergos.domain.tags import Purpose
from synergos.errors import InvalidRequest
from synergos.schema import Definition

MOST_ROWS = 2**53
"""Up to here a whole number is the same as a float, in any language."""
LARGEST = 1e300
"""Sums of cells are finite numbers with room for those of others."""
LONGEST_NAME = 200
"""Bytes of the name of a column, level or data type."""

Rows: TypeAlias = Annotated[int, Meta(ge=0, le=MOST_ROWS)]
# In strict mode with three significant digits, as a float.
Count: TypeAlias = Annotated[float, Meta(ge=0, le=MOST_ROWS)]
Number: TypeAlias = Annotated[float, Meta(ge=-LARGEST, le=LARGEST)]


class TableColumns(Struct, frozen=True):
    """The features of one table.

    Attributes:
        X: the inputs; empty where they have no names, as pixels have none.
        y: the labels; empty where a table has none.
    """

    X: tuple[Feature, ...] = ()
    y: tuple[Feature, ...] = ()


class TableMetadata(Struct, frozen=True, kw_only=True):
    """What is said of one table, whatever its data type; each type derives its own from it.

    Attributes:
        datatype: its name.
        files: that were read, with how many rows each.
    """

    datatype: Annotated[str, Meta(max_length=LONGEST_NAME)] = field(name="_type")
    rows: Rows = field(name="src_count")
    files: Mapping[str, Rows] = {}

    @property
    def cells(self) -> Mapping[str, Mapping[str, Rows]]:
        """By column in which some were: how many cells were ``missing``, ``unreadable``, and ``filled`` in."""
        return {}

    @property
    def columns(self) -> Mapping[str, DeclaredColumn]:
        """What schemas say of each column that has a name."""
        return {}

    @property
    def by_column(self) -> Mapping[str, Mapping[str, object]]:
        """All that is said of single columns, by the name that it has in JSON."""
        return {}

    @classmethod
    def of(cls, metadata: TableMetadata) -> Self:
        """Metadata that have been read as those of this type.

        Raises:
            TypeError: they are another type's.
        """
        if not isinstance(metadata, cls):
            raise TypeError(f"expected {cls.__name__}, got {type(metadata).__name__}")
        return metadata


class Sums(Struct, frozen=True):
    """Of a numeric column; all but the count mean nothing where that is 0."""

    count: Count
    sum: Number | None = None
    minimum: Number | None = None
    maximum: Number | None = None


class Statistics(Struct, frozen=True, kw_only=True):
    """What of one table scaling and filling are fitted on.

    Attributes:
        numeric: by column; unset, as the other one is, where the data type has no such columns.
        categorical: by column, rows by level.
    """

    numeric: Mapping[str, Sums] | UnsetType = UNSET
    categorical: Mapping[str, Mapping[str, Count]] | UnsetType = UNSET


class Prepared(Struct, frozen=True, kw_only=True):
    """One participant's datasets, by purpose.

    Attributes:
        schemas: dtype by column.
        metadata: each of the type that it names.
        statistics: of the training rows.
        digests: of the bytes of each dataset, in the order of the tags.
    """

    headers: Mapping[Purpose, TableColumns]
    schemas: Mapping[Purpose, Mapping[str, str]]
    metadata: Mapping[Purpose, TableMetadata]
    statistics: Mapping[Purpose, Statistics] = {}
    digests: Mapping[Purpose, tuple[str, ...]] = {}

    @property
    def columns(self) -> list[str]:
        """The raw columns that there are for any purpose, the label among them."""
        return sorted({column for schema in self.schemas.values() for column in schema})

    def rows(self, purpose: Purpose) -> int:
        """How many rows there are."""
        return self.metadata[purpose].rows


class Told(Struct, frozen=True, kw_only=True):
    """The same as it comes: the metadata name their type, and only that type can read them."""

    headers: Mapping[Purpose, TableColumns]
    schemas: Mapping[Purpose, Mapping[str, str]]
    metadata: Mapping[Purpose, Mapping[str, object]]
    statistics: Mapping[Purpose, Mapping[str, object]] = {}
    digests: Mapping[Purpose, tuple[str, ...]] = {}

    def __post_init__(self) -> None:
        for purpose in self.headers:
            said = self.metadata.get(purpose, {})
            if not isinstance(said.get("_type"), str) or not isinstance(said.get("src_count"), int):
                raise InvalidRequest("expected _type and src_count", f"metadata.{purpose}")


TABLE_METADATA = Definition(TableMetadata, quotes=False)
STATISTICS = Definition(Statistics, quotes=False)
PREPARED = Definition(Prepared, quotes=False)
TOLD = Definition(Told, quotes=False)
