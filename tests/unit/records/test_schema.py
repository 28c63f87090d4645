"""A database grows with the program: step by step, once, and with all that is stored in it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, Engine, create_engine, event, inspect, text

from synergos.domain.job import Job, JobState, Stage
from synergos.domain.keys import job_key
from synergos.domain.records import RECORD_TYPES, Kind
from synergos.errors import Conflict
from synergos.records import Record, RecordStore
from synergos.records.database import Database
from synergos.records.schema import MIGRATIONS
from synergos.records.tables import METADATA

KEY = dict.fromkeys((field for kind in RECORD_TYPES.values() for field in kind.key_fields), "x")

NEWEST = max(path.stem.removeprefix("revision_") for path in (MIGRATIONS / "versions").glob("revision_*.py"))
STEP = f"""
import sqlalchemy as sa
from alembic import op

revision = "next"
down_revision = "{NEWEST}"


def upgrade():
    with op.batch_alter_table("run") as table:
        table.add_column(sa.Column("owner", sa.String(20), nullable=False, server_default="nobody"))
        table.alter_column("run_id", type_=sa.String(256))
"""


def migrations_with(folder: Path, step: str) -> Path:
    """The steps of a version to come."""
    shutil.copytree(MIGRATIONS, folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "versions" / "revision_next.py").write_text(step)
    return folder


@pytest.fixture
def newer(tmp_path: Path) -> Path:
    return migrations_with(tmp_path / "newer", STEP)


@pytest.fixture
def connection(empty_database: str) -> Iterator[Connection]:
    engine = create_engine(empty_database)
    with engine.begin() as connection:
        yield connection
    engine.dispose()


def fill(database: str) -> tuple[list[Record], Job]:
    """A record of each kind, and a job."""
    store = RecordStore(database)
    job = Job(Stage.PREPROCESS, job_key({"collab_id": "another", "project_id": "another"}))
    store.add_jobs([job])
    records = [store.put(kind, KEY, {"of": kind.value}) for kind in RECORD_TYPES]
    store.close()
    return records, job


def assert_all_there(store: RecordStore, records: list[Record], job: Job) -> None:
    assert [record for kind in RECORD_TYPES for record in store.find(kind)] == records
    assert store.jobs() == [job]


def test_the_steps_lead_to_the_tables_of_the_code(empty_database: str, connection: Connection) -> None:
    RecordStore(empty_database).close()

    options = {"compare_type": True, "compare_server_default": True}
    assert compare_metadata(MigrationContext.configure(connection, opts=options), METADATA) == []


def test_an_upgrade_keeps_what_is_stored(empty_database: str, newer: Path, connection: Connection) -> None:
    records, job = fill(empty_database)

    store = RecordStore(empty_database, newer)

    assert_all_there(store, records, job)
    store.close()
    assert "owner" in {column["name"] for column in inspect(connection).get_columns("run")}


def test_a_database_of_the_first_version_becomes_one_of_this(
    empty_database: str, tmp_path: Path, connection: Connection
) -> None:
    first = tmp_path / "first"
    shutil.copytree(
        MIGRATIONS, first, ignore=shutil.ignore_patterns("__pycache__", "revision_000[2-9].py", "revision_001*.py")
    )
    Database(empty_database, first).close()
    moment = datetime(2026, 11, 1, tzinfo=UTC).replace(tzinfo=None)
    connection.execute(
        text(
            "INSERT INTO job (id, stage, state, collab_id, project_id, parameters, progress, attempts, created_at)"
            " VALUES ('j', 'preprocess', 'queued', 'c', 'p', '{}', '{}', 1, :moment)"
        ),
        {"moment": moment},
    )
    connection.commit()

    store = RecordStore(empty_database)

    [job] = store.jobs()
    assert (job.id, job.state, job.attempts, job.grid, job.ttp) == ("j", JobState.QUEUED, 1, None, None)
    assert len(store.cluster_id()) == 32
    store.close()


def test_models_that_said_to_be_outdated_are_found_a_few_at_a_time(
    empty_database: str, tmp_path: Path, connection: Connection
) -> None:
    before = tmp_path / "before"
    newer = shutil.ignore_patterns("__pycache__", "revision_001[789].py", "revision_00[2-9]*.py")
    shutil.copytree(MIGRATIONS, before, ignore=newer)
    Database(empty_database, before).close()
    said = ['{"is_outdated": true}', '{"is_outdated": false}', '{"figures": {"is_outdated": true}}', "[]", "null"] * 13
    connection.execute(
        text(
            "INSERT INTO model (collab_id, project_id, expt_id, run_id, created_at, payload)"
            " VALUES ('c', 'p', 'e', :run, :moment, :payload)"
        ),
        [
            {"run": str(number), "moment": datetime(2026, 11, 1), "payload": payload}  # noqa: DTZ001 - as it is stored
            for number, payload in enumerate(said)
        ],
    )
    connection.commit()
    looks: list[str] = []

    def note(*execution: Any) -> None:
        if "FROM model" in execution[2]:
            looks.append(execution[2])

    event.listen(Engine, "before_cursor_execute", note)
    try:
        store = RecordStore(empty_database)
    finally:
        event.remove(Engine, "before_cursor_execute", note)

    with store.database.reading() as reading:
        found = reading.execute(text("SELECT run_id FROM model WHERE is_outdated")).scalars().all()
    store.close()
    assert sorted(map(int, found)) == list(range(0, 65, 5))
    assert len(looks) > 3
    assert all("LIMIT" in look for look in looks)


def test_a_database_of_a_newer_version_is_refused_and_left_alone(empty_database: str, newer: Path) -> None:
    records, job = fill(empty_database)
    RecordStore(empty_database, newer).close()

    with pytest.raises(Conflict, match=r"schema next, which a newer version of Synergos made.*up to " + NEWEST):
        RecordStore(empty_database)

    store = RecordStore(empty_database, newer)
    assert_all_there(store, records, job)
    store.close()


def test_a_step_that_fails_leaves_the_database_as_it_was(
    empty_database: str, tmp_path: Path, connection: Connection
) -> None:
    records, job = fill(empty_database)
    broken = migrations_with(tmp_path / "broken", STEP + "    op.drop_table('validation')\n    raise MemoryError\n")

    with pytest.raises(MemoryError):
        RecordStore(empty_database, broken)

    store = RecordStore(empty_database)
    assert_all_there(store, records, job)
    store.close()
    assert "owner" not in {column["name"] for column in inspect(connection).get_columns("run")}


def test_several_upgrade_at_once(empty_database: str, newer: Path) -> None:
    records, job = fill(empty_database)

    def upgraded(_: int) -> None:
        store = RecordStore(empty_database, newer)
        assert_all_there(store, records, job)
        store.close()

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(upgraded, range(4)))


def test_opening_waits_for_no_writer_when_there_is_nothing_to_do(empty_database: str) -> None:
    store = RecordStore(empty_database)

    with store.transaction():
        store.put(Kind.COLLABORATION, KEY, {})
        with ThreadPoolExecutor(1) as threads:
            other = threads.submit(RecordStore, empty_database).result(timeout=30)

    assert len(other.find(Kind.COLLABORATION)) == 1
    other.close()
    store.close()


def test_every_query_of_a_reader_sees_what_the_first_one_saw(empty_database: str) -> None:
    store, other = RecordStore(empty_database), Database(empty_database)

    def found() -> int:
        with other.reading() as reader:
            return len(reader.exec_driver_sql("SELECT doc_id FROM collaboration").all())

    with other.reading():
        before = found()
        store.put(Kind.COLLABORATION, KEY, {})
        during = found()

    assert (before, during, found()) == (0, 0, 1)
    other.close()
    store.close()
