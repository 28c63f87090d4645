"""What a participant tells of its datasets has to be possible, and of a size that others can bear."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from msgspec import Meta, Struct, field

from synergos.domain.declared_column import DeclaredColumn
from synergos.domain.feature_space import LABEL, Action, Feature
from synergos.domain.preparation import MOST_ROWS, Prepared, TableColumns
from synergos.domain.tags import Purpose
from synergos.errors import InvalidRequest
from synergos.schema import Definition

MOST_COLUMNS = 10_000
MOST_FEATURES = 200_000
"""Inputs of one table: its numeric columns, and the levels of the others."""
LONGEST_NAME = 200
"""Bytes of the name of a column or level."""
LARGEST = 1e300
"""Sums of cells are finite numbers with room for those of others."""

_Rows = Annotated[int, Meta(ge=0, le=MOST_ROWS)]
# In strict mode with three significant digits, as a float.
_Count = Annotated[float, Meta(ge=0, le=MOST_ROWS)]
_Number = Annotated[float, Meta(ge=-LARGEST, le=LARGEST)]
_Bounds = Annotated[tuple[_Number, ...], Meta(min_length=2, max_length=2)]
_ROUNDED = 1.02
"""By how much rounded counts may be above exact ones. Sums and bounds say nothing about each other: bounds leave outliers out."""


class _Metadata(Struct, frozen=True):
    """What every type of data says of a table; what else one says, it judges itself."""

    type: Annotated[str, Meta(max_length=LONGEST_NAME)] = field(name="_type")
    rows: _Rows = field(name="src_count")
    files: Mapping[str, _Count] = {}
    cells: Mapping[str, Mapping[str, _Count]] = {}
    columns: Mapping[str, DeclaredColumn] = {}
    bounds: Mapping[str, _Bounds] = {}


class _Sums(Struct, frozen=True):
    """Of a numeric column; all but the count mean nothing where that is 0."""

    count: _Count
    sum: _Number | None = None
    minimum: _Number | None = None
    maximum: _Number | None = None


class _Statistics(Struct, frozen=True):
    """Of the training rows."""

    numeric: Mapping[str, _Sums] = {}
    categorical: Mapping[str, Mapping[str, _Count]] = {}


_METADATA = Definition(_Metadata, quotes=False)
_STATISTICS = Definition(_Statistics, quotes=False)


def check_preparation(told: Prepared, action: Action) -> None:
    """Refuse what no datasets can be like.

    Raises:
        InvalidRequest: names the purpose, and the column where it is one's; no level, label or number.
    """
    for purpose, header in told.headers.items():
        _check_header(header, purpose, action)
        _check_size("schemas", told.schemas.get(purpose, {}), purpose)
    for purpose, metadata in told.metadata.items():
        said = _METADATA.read(metadata, at=f"metadata.{purpose}")
        for name in ("cells", "columns", "bounds"):
            _check_size(f"metadata.{name}", getattr(said, name), purpose)
    for purpose, statistics in told.statistics.items():
        _check_statistics(_STATISTICS.read(statistics, at=f"statistics.{purpose}"), told.rows(purpose), purpose)
    for purpose, digests in told.digests.items():
        if any(len(digest) > LONGEST_NAME for digest in digests):
            raise InvalidRequest(f"expected at most {LONGEST_NAME} characters each", f"digests.{purpose}")


def _check_header(header: TableColumns, purpose: Purpose, action: Action) -> None:
    place = f"headers.{purpose}"
    if len(header.X) + len(header.y) > MOST_FEATURES:
        raise InvalidRequest(f"expected at most {MOST_FEATURES} columns and levels", place)
    columns = dict.fromkeys(feature.column for feature in header.X)
    if len(columns) > MOST_COLUMNS:
        raise InvalidRequest(f"expected at most {MOST_COLUMNS} columns", place)
    for feature in (*header.X, *header.y):
        for name in _names(feature):
            if len(name) * 4 > LONGEST_NAME and len(name.encode("utf-8", "replace")) > LONGEST_NAME:
                what = "the name of a column" if name is feature.column else f"a level of column {feature.column!r}"
                raise InvalidRequest(f"{what} has more than {LONGEST_NAME} bytes", place)
    is_labelled = all(
        label.column == LABEL and (label.level is None) is (action is Action.REGRESS) for label in header.y
    )
    if not is_labelled:
        kind = "one number" if action is Action.REGRESS else "levels"
        raise InvalidRequest(f"expected {kind} of {LABEL} as labels", f"{place}.y")


def _names(feature: Feature) -> Iterator[str]:
    yield feature.column
    if feature.level is not None:
        yield feature.level


def _check_size(what: str, by_column: Mapping[str, Any], purpose: Purpose) -> None:
    # One more than inputs: the label.
    if len(by_column) > MOST_COLUMNS + 1:
        raise InvalidRequest(f"expected at most {MOST_COLUMNS} columns", f"{what}.{purpose}")
    if any(len(name.encode("utf-8", "replace")) > LONGEST_NAME for name in by_column):
        raise InvalidRequest(f"the name of a column has more than {LONGEST_NAME} bytes", f"{what}.{purpose}")


def _check_statistics(told: _Statistics, rows: int, purpose: Purpose) -> None:
    most = rows * _ROUNDED
    for column, found in told.numeric.items():
        place = f"statistics.{purpose}.numeric"
        if found.count > most:
            raise InvalidRequest(f"column {column[:LONGEST_NAME]!r} has more cells than there are rows", place)
        if found.count and None in (found.sum, found.minimum, found.maximum):
            raise InvalidRequest(f"column {column[:LONGEST_NAME]!r} has cells and no sum, minimum or maximum", place)
    for column, counts in told.categorical.items():
        if sum(counts.values()) > most + len(counts):
            place = f"statistics.{purpose}.categorical"
            raise InvalidRequest(f"column {column[:LONGEST_NAME]!r} has more cells than there are rows", place)
