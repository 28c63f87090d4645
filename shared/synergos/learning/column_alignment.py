"""Grid-wide alignment: which features training rows have anywhere, in one order, and which of them each table lacks.

What nobody trained decides nothing: a column, level or label that only other rows have is no part of it. Linear in the number
of features: the aligned order is a fixed order of the union over the training tables (inputs by code point of column and level,
labels naturally), a table's **missing columns** are the positions of the features it lacks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from synergos.domain.feature_space import Action, Feature, FeatureSpace, Side
from synergos.domain.natural_order import natural_order
from synergos.domain.preparation import TableColumns
from synergos.domain.tags import Purpose

MissingColumns = dict[Side, list[int]]
"""Positions in the aligned order that a table lacks, ascending: ``{"X": […], "y": […]}``."""


@dataclass(frozen=True)
class Alignment:
    """The aligned features of a grid, and what each table lacks of them."""

    X: tuple[Feature, ...]
    y: tuple[Feature, ...]
    missing_columns: Mapping[str, Mapping[str, MissingColumns]]


def align(headers: Mapping[str, Mapping[str, TableColumns]], action: Action) -> Alignment:
    """Align all tables of all participants.

    Args:
        headers: participant to purpose (``train``, …) to header.
    """
    tables = [purposes[Purpose.TRAIN] for purposes in headers.values() if Purpose.TRAIN in purposes]
    X = tuple(sorted({feature for header in tables for feature in header.X}, key=_code_points))
    y = _label_order((label for header in tables for label in header.y), action)
    positions = ({feature: index for index, feature in enumerate(X)}, {label: index for index, label in enumerate(y)})
    return Alignment(
        X,
        y,
        {
            participant: {purpose: _missing_columns(header, *positions) for purpose, header in purposes.items()}
            for participant, purposes in headers.items()
        },
    )


def missing_columns_of(header: TableColumns, space: FeatureSpace) -> MissingColumns:
    """What one table lacks of a feature space; a table without a label gets no missing labels."""
    return _missing_columns(
        header,
        {feature: index for index, feature in enumerate(space.X)},
        {label: index for index, label in enumerate(space.y)},
    )


def unseen(header: TableColumns, space: FeatureSpace) -> list[Feature]:
    """Features and labels of one table that a feature space does not have."""
    X, y = frozenset(space.X), frozenset(space.y)
    return [feature for feature in header.X if feature not in X] + [label for label in header.y if label not in y]


def other_kinds(header: TableColumns, space: FeatureSpace) -> list[str]:
    """How the columns of one table cannot be those of a feature space, in words; nothing where they can be.

    They cannot where a column is numeric in one and categorical in the other, and where not one of them is the same.
    """
    numeric = {column for column, level in header.X if level is None}
    categorical = {column for column, level in header.X if level is not None}
    kinds = [("numeric", "categorical", numeric & space.categorical.keys())]
    kinds += [("categorical", "numeric", categorical & space.numeric.keys())]
    found = [
        f"column {column!r} is {here} here and was {there} at alignment"
        for here, there, columns in kinds
        for column in sorted(columns)
    ]
    known = {column for column, _ in space.X}
    if known and not known & (numeric | categorical):
        found.append("none of its columns is one of those agreed at alignment")
    return found


def _label_order(labels: Iterable[Feature], action: Action) -> tuple[Feature, ...]:
    """Labels in class order; the one column of a regression."""
    if action is Action.REGRESS:
        return tuple(sorted(set(labels), key=_code_points))
    by_level = {label.level or "": label for label in labels}
    return tuple(by_level[level] for level in natural_order(by_level))


def _code_points(feature: Feature) -> tuple[str, str]:
    return feature.column, feature.level or ""


def _missing_columns(header: TableColumns, X: Mapping[Feature, int], y: Mapping[Feature, int]) -> MissingColumns:
    return {Side.X: _lacking(header.X, X), Side.Y: _lacking(header.y, y) if header.y else []}


def _lacking(features: Iterable[Feature], positions: Mapping[Feature, int]) -> list[int]:
    present = frozenset(features)
    return [index for feature, index in positions.items() if feature not in present]
