"""What hangs under a record, asked for kind by kind."""

from __future__ import annotations

from synergos.domain.records import RECORD_TYPES, Ids, Kind, restrict
from synergos.records import Record, RecordStore


def relations(store: RecordStore, kind: Kind, key: Ids) -> dict[str, list[Record]]:
    """What clients see hang under a record, by kind; all of it shares the record's whole key."""
    own = restrict(key, kind)
    return {related.value: store.find_visible(related, own) for related in RECORD_TYPES[kind].relations}
