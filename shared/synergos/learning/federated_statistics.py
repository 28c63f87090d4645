"""The feature space of a project, from what its participants report of their tables: sums, counts, minima, maxima."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from synergos.domain.feature_space import Action, CategoricalColumn, FeatureSpace, NumericColumn
from synergos.domain.tags import Meta
from synergos.errors import Conflict, InvalidRequest, NotSupported, WireFormatError
from synergos.learning.alignment import LABEL, Alignment, Header, align, natural_order
from synergos.learning.image_space import agreed_images

Polled = Mapping[str, Any]
"""One participant's completed preparation: ``headers``, ``schemas``, ``metadata``, ``statistics``."""

_NEVER_SEEN = NumericColumn(minimum=0.0, maximum=0.0, mean=0.0)
"""A column without one training cell: it scales to the constant 0, as nothing is known about it."""

_CATEGORICAL = frozenset({"category", "object", "str", "string"})
_DATATYPES = frozenset({"image", "tabular"})


def combine(
    statistics: Mapping[str, Mapping[str, Any]],
) -> tuple[dict[str, NumericColumn], dict[str, CategoricalColumn]]:
    """Scaling and imputation of every column, over the training rows of all participants.

    Args:
        statistics: participant to ``{"numeric": {column: {count, sum, minimum, maximum}}, "categorical": {column: {level: count}}}``.

    Returns:
        Numeric columns: minimum, maximum and mean over all rows. Categorical ones: all levels in natural order and the most
        frequent (of equally frequent ones the first). The label is left out.

    Raises:
        InvalidRequest: a column is numeric for one participant and categorical for another.
    """
    kinds = {
        participant: {column: kind for kind in ("numeric", "categorical") for column in reported.get(kind, {})}
        for participant, reported in statistics.items()
    }
    _check_kinds(kinds)
    numeric: dict[str, list[tuple[int, float, float, float]]] = {}
    categorical: dict[str, Counter[str]] = {}
    for participant, reported in statistics.items():
        for column, found in reported.get("numeric", {}).items():
            numeric.setdefault(column, []).extend(_sums(found, column, participant))
        for column, found in reported.get("categorical", {}).items():
            categorical.setdefault(column, Counter()).update(_counts(found, column, participant))
    return (
        {column: _numeric(parts) for column, parts in numeric.items() if column != LABEL},
        {
            column: _most_frequent(counts, counts)
            for column, counts in categorical.items()
            if column != LABEL and counts
        },
    )


def feature_space(
    polled: Mapping[str, Polled], action: Action, auto_align: bool = True
) -> tuple[FeatureSpace, Alignment]:
    """The feature space that all tables (or images) of all participants fit in, and what each table lacks of it.

    Args:
        auto_align: add the columns that a table lacks; without it, all tables must have the same ones.

    Raises:
        InvalidRequest: the tables contradict each other; names the column and the participants.
        Conflict: without ``auto_align``, a table lacks a column.
    """
    if not polled:
        raise Conflict("no participant has prepared its data")
    datatype = _datatype(polled)
    headers: dict[str, Mapping[str, Header]] = {participant: found["headers"] for participant, found in polled.items()}
    alignment = align(headers, action)
    _check_labels(headers, alignment, action)
    if not auto_align:
        _check_equal(alignment)
    if datatype == "image":
        shape, options = agreed_images({who: found["metadata"] for who, found in polled.items()})
        return FeatureSpace(datatype, action, (), alignment.y, shape, options=options), alignment
    numeric, categorical = _columns(polled, alignment.X)
    shape = (len(alignment.X),)
    return FeatureSpace(datatype, action, alignment.X, alignment.y, shape, numeric, categorical), alignment


def _columns(
    polled: Mapping[str, Polled], names: tuple[str, ...]
) -> tuple[dict[str, NumericColumn], dict[str, CategoricalColumn]]:
    """The raw columns behind the aligned ``names``, with what the training rows say about them."""
    kinds = {participant: _kinds(found) for participant, found in polled.items()}
    _check_kinds(kinds)
    numeric, categorical = combine({who: found["statistics"].get(Meta.TRAIN, {}) for who, found in polled.items()})
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
        {name: numeric.get(name, _NEVER_SEEN) for name in names if name in plain},
        {column: _with_levels(categorical.get(column), found) for column, found in sorted(levels.items())},
    )


def _with_levels(trained: CategoricalColumn | None, levels: list[str]) -> CategoricalColumn:
    """A column with the levels that exist anywhere, as the most frequent one of the training rows."""
    everywhere = _most_frequent(levels, {})
    return replace(everywhere, most_frequent=trained.most_frequent) if trained else everywhere


def _sums(found: Mapping[str, Any], column: str, participant: str) -> Iterator[tuple[int, float, float, float]]:
    """One participant's part of a numeric column; nothing when it has no cell."""
    try:
        count = int(found["count"])
        if count > 0:
            part = (count, float(found["sum"]), float(found["minimum"]), float(found["maximum"]))
            if not all(map(math.isfinite, part)):
                raise ValueError("not finite")
            yield part
    except (KeyError, TypeError, ValueError) as error:
        raise WireFormatError(
            f"the statistics of column {column!r} are not count, sum, minimum and maximum", participant
        ) from error


def _counts(found: Mapping[str, Any], column: str, participant: str) -> dict[str, int]:
    try:
        return {str(level): int(count) for level, count in found.items()}
    except (AttributeError, TypeError, ValueError) as error:
        raise WireFormatError(f"the statistics of column {column!r} are not counts by level", participant) from error


def _numeric(parts: list[tuple[int, float, float, float]]) -> NumericColumn:
    if not parts:
        return _NEVER_SEEN
    minimum, maximum = min(part[2] for part in parts), max(part[3] for part in parts)
    mean = math.fsum(part[1] for part in parts) / sum(part[0] for part in parts)
    return NumericColumn(minimum, maximum, min(max(mean, minimum), maximum))


def _most_frequent(levels: Iterable[str], counts: Mapping[str, int]) -> CategoricalColumn:
    ordered = natural_order(levels)
    # max takes the first of equals.
    return CategoricalColumn(tuple(ordered), max(ordered, key=lambda level: counts.get(level, 0)))


def _datatype(polled: Mapping[str, Polled]) -> str:
    """The one datatype of all tables."""
    found: dict[str, str] = {}
    for participant, preparation in polled.items():
        if Meta.TRAIN not in preparation["headers"]:
            raise InvalidRequest(f"{participant} has no data to train on", "tags.train")
        for metadata in preparation["metadata"].values():
            found.setdefault(metadata["_type"], participant)
    if len(found) > 1:
        listed = ", ".join(f"{datatype} ({participant})" for datatype, participant in sorted(found.items()))
        raise InvalidRequest(f"expected one datatype for the whole project, got {listed}", "datatype")
    datatype = next(iter(found), "tabular")
    if datatype not in _DATATYPES:
        raise NotSupported(f"{datatype} data cannot be aligned")
    return datatype


def _check_labels(headers: Mapping[str, Mapping[str, Header]], alignment: Alignment, action: Action) -> None:
    for participant, tables in headers.items():
        if not tables[Meta.TRAIN].get("y"):
            raise InvalidRequest(f"the training data of {participant} has no label", LABEL)
    if action is Action.REGRESS and alignment.y != (LABEL,):
        raise InvalidRequest(f"a regression has one label column, {LABEL}; got {', '.join(alignment.y)}", LABEL)


def _check_equal(alignment: Alignment) -> None:
    """Refuse tables that would need spacers.

    Raises:
        Conflict: a table lacks a column; says who lacks what.
    """
    lacks = [
        f"{participant} {purpose} lacks {_listed([names[index] for index in spacers[side]])}"
        for participant, tables in alignment.spacers.items()
        for purpose, spacers in tables.items()
        for side, names in (("X", alignment.X), ("y", alignment.y))
        if spacers[side]
    ]
    if lacks:
        raise Conflict(f"auto_align is off and the tables differ: {'; '.join(lacks)}")


def _listed(names: list[str], most: int = 5) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _kinds(found: Polled) -> dict[str, str]:
    """``numeric`` or ``categorical`` for every column of a participant's tables, the label left out."""
    return {
        column: "categorical" if dtype in _CATEGORICAL else "numeric"
        for schema in found["schemas"].values()
        for column, dtype in schema.items()
        if column != LABEL
    }


def _check_kinds(kinds: Mapping[str, Mapping[str, str]]) -> None:
    """Refuse columns that are numeric for one participant and categorical for another."""
    first: dict[str, tuple[str, str]] = {}
    for participant, columns in kinds.items():
        for column, kind in columns.items():
            if column == LABEL:
                continue
            known, owner = first.setdefault(column, (kind, participant))
            if known != kind:
                raise InvalidRequest(
                    f"column is {known} for {owner} and {kind} for {participant}; expected one kind", column
                )


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
