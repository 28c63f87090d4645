"""An agreement from what workers said: each participant's share in the feature space."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from synergos.domain.agreement import Agreement, Share, TableShare
from synergos.domain.declared_column import ColumnRules
from synergos.domain.feature_space import LABEL, Feature, FeatureSpace
from synergos.domain.preparation import Prepared
from synergos.domain.tags import Purpose
from synergos.learning.agreement_notes import agreement_notes
from synergos.learning.column_alignment import unseen


def agreement_of(polled: Mapping[str, Prepared], space: FeatureSpace, version: int) -> Agreement:
    """What the participants agreed on, beside the space itself."""
    return Agreement(
        version=version,
        notes=agreement_notes(polled, space),
        participants={participant: _share(prepared, space) for participant, prepared in polled.items()},
    )


def _share(prepared: Prepared, space: FeatureSpace) -> Share:
    own = prepared.columns
    inputs = {column for column, _ in space.X}
    return Share(
        columns=tuple(own),
        inputs=tuple(column for column in own if column in inputs),
        rules=_rules(prepared),
        tables={purpose: _table(prepared, purpose, space) for purpose in prepared.headers},
    )


def _table(prepared: Prepared, purpose: Purpose, space: FeatureSpace) -> TableShare:
    header, metadata = prepared.headers[purpose], prepared.metadata[purpose]
    here = {column for column, _ in header.X}
    return TableShare(
        rows=prepared.rows(purpose),
        files=metadata.files,
        digests=prepared.digests.get(purpose, ()),
        filled=tuple(dict.fromkeys(column for column, _ in space.X if column not in here)),
        lacks=tuple(_lacked(set(header.X) | set(header.y), here | ({LABEL} if header.y else set()), space)),
        unused=tuple(unseen(header, space)),
        cells=metadata.cells,
    )


def _lacked(features: set[Feature], columns: set[str], space: FeatureSpace) -> Iterator[Feature]:
    """Levels that columns which are there lack; of a column that is not there its name says enough."""
    for feature in (*space.X, *space.y):
        if feature.column in columns and feature not in features:
            yield feature


def _rules(prepared: Prepared) -> dict[str, ColumnRules]:
    """What schemas say of columns beyond their type, and what they renamed, mapped or converted, by column."""
    said: dict[str, ColumnRules] = {}
    for metadata in prepared.metadata.values():
        for column, declared in metadata.columns.items():
            said[column] = declared.rules(said.get(column))
    return {column: rules for column, rules in said.items() if rules != ColumnRules()}
