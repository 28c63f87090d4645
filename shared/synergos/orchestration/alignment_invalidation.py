"""Invalidating a project's alignment and feature space when what they rest on has changed."""

from __future__ import annotations

from synergos.domain.records import Ids, Kind
from synergos.records.store import RecordStore


def invalidate_alignment(store: RecordStore, key: Ids) -> None:
    """Delete a project's feature space, and the alignments with the ids in ``key``: they must be made anew."""
    for kind in (Kind.FEATURE_SPACE, Kind.ALIGNMENT):
        scope = {field: value for field, value in key.items() if kind is Kind.ALIGNMENT or field != "participant_id"}
        for record in store.find(kind, scope):
            store.delete(kind, record["key"])
