"""What participants agreed on at alignment, and when it no longer holds."""

from __future__ import annotations

from synergos.domain.records import Ids, Kind
from synergos.records.store import RecordStore


def forget_agreement(store: RecordStore, key: Ids) -> None:
    """Delete a project's feature space, and the alignments with the ids in ``key``: they must be made anew."""
    for kind in (Kind.FEATURE_SPACE, Kind.ALIGNMENT):
        scope = {field: value for field, value in key.items() if kind is Kind.ALIGNMENT or field != "participant_id"}
        for record in store.find(kind, scope):
            store.delete(kind, record["key"])
