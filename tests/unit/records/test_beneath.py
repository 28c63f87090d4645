"""What hangs under records is read in pieces, and is what there is, in order, however much it is and whoever looks at how much of it."""

from __future__ import annotations

from random import Random

import pytest

from support.relations import relations
from synergos.domain.job import Job, Stage
from synergos.domain.keys import RunKey
from synergos.domain.records import RECORD_TYPES, Kind
from synergos.records import RecordStore, beneath, paging

WITH_RELATIONS = [kind for kind, each in RECORD_TYPES.items() if each.relations]
FIELDS = sorted({field for each in RECORD_TYPES.values() for field in each.key_fields})


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a few records take many."""
    monkeypatch.setattr(beneath, "_LISTED_AT_ONCE", 7)
    monkeypatch.setattr(beneath, "PIECE_BYTES", 60)


def fill(store: RecordStore) -> None:
    random = Random(3)
    with store.transaction():
        for number in range(120):
            kind = random.choice(list(RECORD_TYPES))
            ids = {field: random.choice("abc") for field in FIELDS}
            store.put(kind, ids, {"number": number, "text": "x" * random.randrange(100)})
        # A job that is about to replace results hides them.
        store.add_jobs([Job(Stage.TRAIN, RunKey("a", "a", "a", "a"))])


def test_it_is_what_hangs_there(store: RecordStore) -> None:
    fill(store)

    for kind in WITH_RELATIONS:
        oldest_first = store.find(kind)
        hanging = {record["doc_id"]: relations(store, kind, record["key"]) for record in oldest_first}
        assert any(related for names in hanging.values() for related in names.values()), kind
        for records in (oldest_first, oldest_first[::-1]):
            found = store.beneath(kind, records)
            for doc_id in (record["doc_id"] for record in records):
                assert {name: list(each) for name, each in found.of(doc_id).items()} == hanging[doc_id], kind


def test_what_nobody_looks_at_is_passed_over(store: RecordStore) -> None:
    fill(store)
    records = store.find(Kind.COLLABORATION)
    found = store.beneath(Kind.COLLABORATION, records)

    next(found.of(records[0]["doc_id"])["Project"], None)
    [last] = (found.of(records[-1]["doc_id"])[name] for name in ("Tag",))

    assert list(last) == relations(store, Kind.COLLABORATION, records[-1]["key"])["Tag"]


def test_what_is_deleted_meanwhile_is_left_out(store: RecordStore) -> None:
    # Each is a piece of its own.
    keys = [RunKey("c", "p", "e", f"r{number}") for number in range(4)]
    record = store.put(Kind.COLLABORATION, keys[0], {})
    runs = [store.put(Kind.RUN, key, {"text": "x" * 100}) for key in keys]
    found = store.beneath(Kind.COLLABORATION, [record]).of(record["doc_id"])["Run"]

    seen = [next(found)]
    store.delete(Kind.RUN, runs[-1]["key"])

    assert [*seen, *found] == runs[:-1]


def test_a_page_ends_when_it_takes_so_much(store: RecordStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paging, "PIECE_BYTES", 100)
    for number in range(10):
        store.put(Kind.COLLABORATION, {"collab_id": f"c{number}"}, {"text": "x" * (30 if number != 4 else 1000)})
    everything = store.find(Kind.COLLABORATION)

    for newest_first in (False, True):
        parts, page = [], paging.Page(6, newest_first=newest_first)
        while True:
            part = store.select(Kind.COLLABORATION, paging.Selection(), page)
            parts.append(part.items)
            if part.after is None:
                break
            page = paging.Page(6, part.after, newest_first)
        assert [record for part in parts for record in part] == everything[:: -1 if newest_first else 1]
        assert max(map(len, parts)) <= 3, "beyond the limit of bytes by one record at most"
