"""What a worker says of a participant's datasets once it has read them: columns and sums, and never a row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from synergos.domain.feature_space import Feature
from synergos.domain.tags import Purpose
from synergos.errors import InvalidRequest
from synergos.schema import Definition

MOST_ROWS = 2**53
"""Up to here a whole number is the same as a float, in any language."""


class TableColumns(Struct, frozen=True):
    """The features of one table.

    Attributes:
        X: the inputs; empty where they have no names, as pixels have none.
        y: the labels; empty where a table has none.
    """

    X: tuple[Feature, ...] = ()
    y: tuple[Feature, ...] = ()


class Prepared(Struct, frozen=True, kw_only=True):
    """One participant's datasets, by purpose.

    Attributes:
        schemas: dtype by column.
        metadata: ``_type``, ``src_count`` (rows) and what else the data type has.
        statistics: of the training rows: sums, counts, minima and maxima.
        digests: of the bytes of each dataset, in the order of the tags.
    """

    headers: Mapping[Purpose, TableColumns]
    schemas: Mapping[Purpose, Mapping[str, str]]
    metadata: Mapping[Purpose, Mapping[str, Any]]
    statistics: Mapping[Purpose, Mapping[str, Any]] = {}
    digests: Mapping[Purpose, tuple[str, ...]] = {}

    def __post_init__(self) -> None:
        for purpose in self.headers:
            said = self.metadata.get(purpose, {})
            if not isinstance(said.get("_type"), str) or not isinstance(said.get("src_count"), int):
                raise InvalidRequest("expected _type and src_count", f"metadata.{purpose}")

    @property
    def columns(self) -> list[str]:
        """The raw columns that there are for any purpose, the label among them."""
        return sorted({column for schema in self.schemas.values() for column in schema})

    def rows(self, purpose: Purpose) -> int:
        """How many rows there are."""
        return int(self.metadata[purpose]["src_count"])


PREPARED = Definition(Prepared, quotes=False)
