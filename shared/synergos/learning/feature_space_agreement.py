"""Agreeing on a project's feature space: one data type, aligned columns and labels; and which later rows drift from it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from msgspec import UNSET

from synergos.domain.feature_space import LABEL, Action, Feature, FeatureSpace, Side, Unseen
from synergos.domain.preparation import Prepared, TableColumns, TableMetadata
from synergos.domain.tags import Purpose
from synergos.errors import Conflict, InvalidRequest, NotSupported
from synergos.learning import datatypes
from synergos.learning.agreement_notes import check_shared_labels, notes_without_levels
from synergos.learning.column_alignment import Alignment, align, other_kinds, unseen
from synergos.learning.datatypes import DATATYPES, DataType
from synergos.learning.near_misses import shown


def feature_space(
    polled: Mapping[str, Prepared],
    action: Action,
    auto_align: bool = True,
    unseen_levels: Unseen = Unseen.MISSING,
    *,
    shared_labels: bool = True,
    minimum_rows: int | None = None,
) -> tuple[FeatureSpace, Alignment]:
    """The feature space of all training rows of all participants, and what each table lacks of it.

    Args:
        auto_align: fill the columns that a table lacks; without it, all tables must have the same ones.
        shared_labels: refuse participants none of whose labels any other one has.
        minimum_rows: how many rows have to share what is told of them; see :class:`~synergos.domain.feature_space.FeatureSpace`.
        unseen_levels: what becomes of rows to predict or to measure on with levels that no training row has.

    Raises:
        InvalidRequest: the tables contradict each other; names the column and the participants.
        Conflict: without ``auto_align``, a table lacks a column.
    """
    if not polled:
        raise Conflict("no participant has prepared its data")
    datatype = _datatype(polled)
    headers = {who: {purpose.value: header for purpose, header in said.headers.items()} for who, said in polled.items()}
    alignment = align(headers, action)
    _check_labels(headers, alignment, action)
    if shared_labels:
        check_shared_labels(polled)
    asked = UNSET if minimum_rows is None else minimum_rows
    space = replace(datatype.agree(polled, alignment, action), unseen=unseen_levels, minimum_rows=asked)
    if not auto_align:
        _check_equal(alignment, headers, space, notes_without_levels(polled))
    return space, alignment


def drift(header: TableColumns, metadata: TableMetadata, space: FeatureSpace) -> list[str]:
    """How one table differs from what was agreed: columns of another kind, and what its data type adds.

    Returns:
        What differs, in words; feature drift when there is any.
    """
    if metadata.datatype != space.datatype:
        return [f"datatype {metadata.datatype} (agreed: {space.datatype})"]
    return [*other_kinds(header, space), *datatypes.get(space.datatype).drift(metadata, space)]


def _datatype(polled: Mapping[str, Prepared]) -> DataType:
    """The one datatype of all tables."""
    found: dict[str, str] = {}
    if not any(Purpose.TRAIN in preparation.headers for preparation in polled.values()):
        raise InvalidRequest(f"expected somebody with data to train on, got {', '.join(polled)} without", "tags.train")
    for participant, preparation in polled.items():
        for metadata in preparation.metadata.values():
            found.setdefault(metadata.datatype, participant)
    if len(found) > 1:
        listed = ", ".join(f"{datatype} ({participant})" for datatype, participant in sorted(found.items()))
        raise InvalidRequest(f"expected one datatype for the whole project, got {listed}", "datatype")
    [datatype] = found
    if datatype not in DATATYPES.names:
        raise NotSupported(f"{datatype} data cannot be aligned")
    return datatypes.get(datatype)


def _check_labels(headers: Mapping[str, Mapping[str, TableColumns]], alignment: Alignment, action: Action) -> None:
    for participant, tables in headers.items():
        if Purpose.TRAIN in tables and not tables[Purpose.TRAIN].y:
            raise InvalidRequest(f"the training data of {participant} has no label", LABEL)
    if action is Action.REGRESS and alignment.y != (Feature(LABEL),):
        got = _listed(_in_short(alignment.y))
        raise InvalidRequest(f"a regression has one label column, {LABEL}; got {got}", LABEL)


def _check_equal(
    alignment: Alignment,
    headers: Mapping[str, Mapping[str, TableColumns]],
    space: FeatureSpace,
    notes: Sequence[str],
) -> None:
    """Refuse tables that lack columns of others.

    Raises:
        Conflict: a table lacks a column, or has one that no training rows have; says who lacks what.
    """
    lacks = [
        f"{participant} {purpose} lacks {_listed(_in_short([features[index] for index in missing_columns[side]]))}"
        for participant, tables in alignment.missing_columns.items()
        for purpose, missing_columns in tables.items()
        for side, features in ((Side.X, alignment.X), (Side.Y, alignment.y))
        if missing_columns[side]
    ]
    lacks += [
        f"all training rows lack {_listed(_in_short(new))} of {participant} {purpose}"
        for participant, tables in headers.items()
        for purpose, header in tables.items()
        if (new := unseen(header, space))
    ]
    if lacks:
        raise Conflict(f"auto_align is off and the tables differ: {'; '.join(lacks)}. {'. '.join(notes)}".rstrip())


def _in_short(features: Sequence[Feature]) -> list[str]:
    """Features as errors have them: names of columns, and of levels and labels only how many there are."""
    counts = Counter(feature.column for feature in features if feature.level is not None)
    plain = [shown(feature.column) for feature in features if feature.level is None]
    return plain + [
        f"{count} label{'s' if count > 1 else ''}"
        if column == LABEL
        else f"{count} level{'s' if count > 1 else ''} of {shown(column)}"
        for column, count in counts.items()
    ]


def _listed(names: list[str], most: int = 5) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
