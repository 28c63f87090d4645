"""Invalidating a project's alignment and feature space when what they rest on has changed."""

from __future__ import annotations

from synergos.domain.keys import ProjectKey
from synergos.domain.records import Ids, Kind
from synergos.records.agreements import withdraw_agreement
from synergos.records.store import RecordStore


def invalidate_alignment(store: RecordStore, key: Ids) -> None:
    """Let a project's agreement hold no longer, and delete the alignments with the ids in ``key``: they must be made anew."""
    withdraw_agreement(store, ProjectKey.of(key))
    for record in store.find(Kind.ALIGNMENT, key):
        store.delete(Kind.ALIGNMENT, record["key"])
