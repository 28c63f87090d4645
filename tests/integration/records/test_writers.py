"""Several writers at once, in threads and in processes, lose nothing."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from servers.postgresql import PostgreSQL
from synergos.domain.job import Job, Stage
from synergos.domain.keys import ProjectKey
from synergos.domain.records import Kind
from synergos.records import RecordStore

KEY = {"collab_id": "c"}
TIMES = 15

OPENER = """
import sys
from synergos.domain.records import Kind
from synergos.records import RecordStore

print("ready", flush=True)
sys.stdin.readline()
store = RecordStore(sys.argv[1])
store.put(Kind.PARTICIPANT, {"participant_id": sys.argv[2]}, {})
store.close()
"""

# Each writer adds a field of its own to one record, adds one to a count, and adds jobs; as fast as it can.
WRITER = """
import sys
from synergos.domain.job import Job, Stage
from synergos.domain.keys import ProjectKey
from synergos.domain.records import Kind
from synergos.records import RecordStore

url, name, times = sys.argv[1], sys.argv[2], int(sys.argv[3])
store = RecordStore(url)
key = {"collab_id": "c"}
for index in range(times):
    with store.transaction():
        count = store.get(Kind.COLLABORATION, key)["count"]
        store.merge(Kind.COLLABORATION, key, {"count": count + 1})
    store.merge(Kind.COLLABORATION, key, {f"{name}_{index}": index})
    store.add_jobs([Job(Stage.TRAIN, ProjectKey("c", name))])
store.close()
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database, of each kind that the record store works with."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'database.db'}"
    server: PostgreSQL = request.getfixturevalue("postgresql")
    return server.new_database()


def write(store: RecordStore, name: str) -> None:
    for index in range(TIMES):
        with store.transaction():
            count = store.get(Kind.COLLABORATION, KEY)["count"]
            store.merge(Kind.COLLABORATION, KEY, {"count": count + 1})
        store.merge(Kind.COLLABORATION, KEY, {f"{name}_{index}": index})
        store.add_jobs([Job(Stage.TRAIN, ProjectKey("c", name))])


def assert_nothing_is_lost(store: RecordStore, writers: int) -> None:
    record = store.get(Kind.COLLABORATION, KEY)
    assert record["count"] == writers * TIMES
    assert sum("_" in name for name in record) - len({"doc_id", "created_at"}) == writers * TIMES
    assert len(store.jobs()) == writers * TIMES


def test_threads_lose_nothing(database: str) -> None:
    store = RecordStore(database)
    store.put(Kind.COLLABORATION, KEY, {"count": 0})

    with ThreadPoolExecutor(8) as threads:
        for future in [threads.submit(write, store, f"thread{index}") for index in range(8)]:
            future.result()

    assert_nothing_is_lost(store, 8)
    store.close()


def test_processes_lose_nothing(database: str) -> None:
    store = RecordStore(database)
    store.put(Kind.COLLABORATION, KEY, {"count": 0})

    arguments = [[sys.executable, "-c", WRITER, database, f"process{index}", str(TIMES)] for index in range(2)]
    processes = [subprocess.Popen(argument) for argument in arguments]
    write(store, "here")

    assert [process.wait() for process in processes] == [0, 0]
    assert_nothing_is_lost(store, 3)
    store.close()


def test_a_store_is_opened_by_many_at_once(database: str) -> None:

    def opened(index: int) -> int:
        store = RecordStore(database)
        found = store.put(Kind.PARTICIPANT, {"participant_id": str(index)}, {})["doc_id"]
        store.close()
        return int(found)

    with ThreadPoolExecutor(8) as threads:
        assert sorted(threads.map(opened, range(8))) == list(range(1, 9))


def test_the_same_record_declared_by_many_is_one(database: str) -> None:
    store = RecordStore(database)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda index: store.put(Kind.COLLABORATION, KEY, {"by": index}), range(40)))

    assert [record["doc_id"] for record in store.find(Kind.COLLABORATION)] == [1]
    store.close()


def test_a_new_database_is_opened_by_several_programs_at_once(database: str) -> None:
    programs = [
        subprocess.Popen(
            [sys.executable, "-c", OPENER, database, f"participant_{number}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        for number in range(4)
    ]
    for program in programs:
        assert program.stdout is not None
        assert program.stdout.readline() == b"ready\n"
    for program in programs:
        program.communicate(b"go\n")

    assert [program.returncode for program in programs] == [0] * 4
    store = RecordStore(database)
    assert len(store.find(Kind.PARTICIPANT)) == 4
    store.close()
