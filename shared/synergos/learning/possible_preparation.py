"""What a participant tells of its datasets has to be possible, and of a size that others can bear."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from synergos.domain.feature_space import LABEL, Action, Feature
from synergos.domain.preparation import (
    LONGEST_NAME,
    STATISTICS,
    TABLE_METADATA,
    Prepared,
    Statistics,
    TableColumns,
    Told,
)
from synergos.domain.tags import Purpose
from synergos.errors import InvalidRequest
from synergos.learning import datatypes
from synergos.learning.datatypes import DATATYPES
from synergos.schema import Definition

MOST_COLUMNS = 10_000
MOST_FEATURES = 200_000
"""Inputs of one table: its numeric columns, and the levels of the others."""
_ROUNDED = 1.02
"""By how much rounded counts may be above exact ones. Sums and bounds say nothing about each other: bounds leave outliers out."""


def read_preparation(told: Told) -> Prepared:
    """The same with its metadata and statistics read; metadata of a type that is not known here as those of any type.

    Raises:
        InvalidRequest: names the purpose and the first field that does not fit.
    """
    return Prepared(
        headers=told.headers,
        schemas=told.schemas,
        metadata={
            purpose: _definition(said.get("_type")).read(said, at=f"metadata.{purpose}")
            for purpose, said in told.metadata.items()
        },
        statistics={
            purpose: STATISTICS.read(said, at=f"statistics.{purpose}") for purpose, said in told.statistics.items()
        },
        digests=told.digests,
    )


def _definition(datatype: object) -> Definition[Any]:
    return datatypes.get(datatype).metadata if datatype in DATATYPES.names else TABLE_METADATA


def check_preparation(told: Prepared, action: Action) -> None:
    """Refuse what no datasets can be like.

    Raises:
        InvalidRequest: names the purpose, and the column where it is one's; no level, label or number.
    """
    for purpose, header in told.headers.items():
        _check_header(header, purpose, action)
        _check_size("schemas", told.schemas.get(purpose, {}), purpose)
    for purpose, metadata in told.metadata.items():
        for name, by_column in metadata.by_column.items():
            _check_size(f"metadata.{name}", by_column, purpose)
    for purpose, statistics in told.statistics.items():
        _check_statistics(statistics, told.rows(purpose), purpose)
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


def _check_size(what: str, by_column: Mapping[str, object], purpose: Purpose) -> None:
    # One more than inputs: the label.
    if len(by_column) > MOST_COLUMNS + 1:
        raise InvalidRequest(f"expected at most {MOST_COLUMNS} columns", f"{what}.{purpose}")
    if any(len(name.encode("utf-8", "replace")) > LONGEST_NAME for name in by_column):
        raise InvalidRequest(f"the name of a column has more than {LONGEST_NAME} bytes", f"{what}.{purpose}")


def _check_statistics(told: Statistics, rows: int, purpose: Purpose) -> None:
    most = rows * _ROUNDED
    for column, found in (told.numeric or {}).items():
        place = f"statistics.{purpose}.numeric"
        if found.count > most:
            raise InvalidRequest(f"column {column[:LONGEST_NAME]!r} has more cells than there are rows", place)
        if found.count and None in (found.sum, found.minimum, found.maximum):
            raise InvalidRequest(f"column {column[:LONGEST_NAME]!r} has cells and no sum, minimum or maximum", place)
    for column, counts in (told.categorical or {}).items():
        if sum(counts.values()) > most + len(counts):
            place = f"statistics.{purpose}.categorical"
            raise InvalidRequest(f"column {column[:LONGEST_NAME]!r} has more cells than there are rows", place)
