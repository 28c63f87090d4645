"""What each collaboration has is known at any time, whatever was written and deleted, by a count that is never off."""

from __future__ import annotations

import json
import shutil
from collections import defaultdict
from contextlib import suppress
from pathlib import Path
from random import Random

import pytest

from synergos.domain.records import RECORD_TYPES, Kind, payload_of
from synergos.errors import RecordNotFound
from synergos.records import RecordStore
from synergos.records.database import Database
from synergos.records.schema import MIGRATIONS
from synergos.records.shares import Share

KINDS = list(RECORD_TYPES)
FIELDS = sorted({field for each in RECORD_TYPES.values() for field in each.key_fields})


def counted(store: RecordStore) -> dict[str, Share]:
    """What each has, by a look at every record."""
    found: dict[str, Share] = defaultdict(Share)
    for kind in RECORD_TYPES:
        for record in store.find(kind):
            who = record["key"].get("collab_id", "")
            size = len(json.dumps(payload_of(record)))
            found[who] = Share(found[who].records + 1, found[who].size + size)
    return found


def ids(random: Random) -> dict[str, str]:
    return {field: random.choice("ab") for field in FIELDS}


def step(store: RecordStore, random: Random) -> None:
    """One write of any kind, of which every so many find nothing to change."""
    kind, key = random.choice(KINDS), ids(random)
    match random.randrange(5):
        case 0 | 1:
            store.put(kind, key, {"text": "ä" * random.randrange(50)})
        case 2:
            store.merge(kind, key, {"more": random.random()})
        case 3:
            store.delete(kind, key)
        case 4:
            store.prune(kind, key)


def test_a_share_is_what_is_there(store: RecordStore) -> None:
    random = Random(14)
    with store.transaction():
        for number in range(200):
            with suppress(RecordNotFound):
                step(store, random)
            if number % 5:
                continue
            found = counted(store)
            assert {who: store.share(who) for who in ("a", "b", "")} == {who: found[who] for who in ("a", "b", "")}


def test_what_is_undone_is_not_counted(store: RecordStore) -> None:
    store.put(Kind.COLLABORATION, {"collab_id": "c"}, {})
    before = store.share("c")

    def write_and_fail() -> None:
        with store.transaction():
            store.put(Kind.PROJECT, {"collab_id": "c", "project_id": "p"}, {"incentives": {"a": 1}})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_and_fail()

    assert store.share("c") == before == Share(1, 2)


def test_what_an_earlier_version_stored_is_counted(empty_database: str, tmp_path: Path) -> None:
    steps = tmp_path / "steps"
    shutil.copytree(
        MIGRATIONS, steps, ignore=shutil.ignore_patterns("__pycache__", "revision_0009.py", "revision_001*.py")
    )
    earlier = Database(empty_database, steps)
    with earlier.writing() as connection:
        for number in range(3):
            connection.exec_driver_sql(
                "INSERT INTO run (collab_id, project_id, expt_id, run_id, created_at, payload)"
                f" VALUES ('c', 'p', 'e', 'r{number}', '2026-01-01 00:00:00', '{{\"rounds\": {number}}}')"
            )
        connection.exec_driver_sql(
            "INSERT INTO participant (participant_id, created_at, payload) VALUES ('w', '2026-01-01 00:00:00', '{}')"
        )
    earlier.close()

    store = RecordStore(empty_database)

    assert {who: store.share(who) for who in ("c", "", "nobody")} == {
        "c": Share(3, 39),
        "": Share(1, 2),
        "nobody": Share(),
    }
    store.close()
