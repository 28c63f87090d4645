"""Grid-wide alignment: which columns exist anywhere, in one order, and which of them each table lacks.

Linear in the number of columns: the aligned order is a fixed order of the union of names (inputs by code point, labels
naturally), a table's **missing columns** are the positions of the names it lacks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from synergos.domain.feature_space import Action, FeatureSpace
from synergos.domain.natural_order import natural_order

TableColumns = Mapping[str, Sequence[str]]
"""Names of one table's columns: ``{"X": […], "y": […]}``; ``y`` is empty or absent where a table has no label."""

MissingColumns = dict[str, list[int]]
"""Positions in the aligned order that a table lacks, ascending: ``{"X": […], "y": […]}``."""

LABEL = "target"


@dataclass(frozen=True)
class Alignment:
    """The aligned columns of a grid, and what each table lacks of them."""

    X: tuple[str, ...]
    y: tuple[str, ...]
    missing_columns: Mapping[str, Mapping[str, MissingColumns]]


def align(headers: Mapping[str, Mapping[str, TableColumns]], action: Action) -> Alignment:
    """Align all tables of all participants.

    Args:
        headers: participant to purpose (``train``, …) to header.
    """
    tables = [header for purposes in headers.values() for header in purposes.values()]
    X = tuple(sorted({name for header in tables for name in header["X"]}))
    y = label_order((name for header in tables for name in header.get("y", ())), action)
    positions = ({name: index for index, name in enumerate(X)}, {name: index for index, name in enumerate(y)})
    return Alignment(
        X,
        y,
        {
            participant: {purpose: _missing_columns(header, *positions) for purpose, header in purposes.items()}
            for participant, purposes in headers.items()
        },
    )


def label_order(names: Iterable[str], action: Action) -> tuple[str, ...]:
    """Label columns (``target_<level>``) in class order; the one column of a regression."""
    if action is Action.REGRESS:
        return tuple(sorted(set(names)))
    prefix = f"{LABEL}_"
    return tuple(prefix + level for level in natural_order(name.removeprefix(prefix) for name in names))


def missing_columns_of(header: TableColumns, space: FeatureSpace) -> MissingColumns:
    """What one table lacks of a feature space; a table without a label gets no missing labels."""
    return _missing_columns(
        header,
        {name: index for index, name in enumerate(space.X)},
        {name: index for index, name in enumerate(space.y)},
    )


def unseen(header: TableColumns, space: FeatureSpace) -> list[str]:
    """Columns of one table that a feature space does not have: feature drift when there are any."""
    known = {"X": frozenset(space.X), "y": frozenset(space.y)}
    return [name for side in ("X", "y") for name in header.get(side, ()) if name not in known[side]]


def _missing_columns(header: TableColumns, X: Mapping[str, int], y: Mapping[str, int]) -> MissingColumns:
    labels = header.get("y", ())
    return {"X": _lacking(header["X"], X), "y": _lacking(labels, y) if labels else []}


def _lacking(names: Iterable[str], positions: Mapping[str, int]) -> list[int]:
    present = frozenset(names)
    return [index for name, index in positions.items() if name not in present]
