"""What tests write in a statement for each table is what a store has of one thing written after the other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select

from factories.many_records import add_all_jobs, put_all
from synergos.domain.job import Job, JobError, JobState, Stage
from synergos.domain.keys import RunKey
from synergos.domain.records import Kind
from synergos.records import RecordStore
from synergos.records.tables import CHANGES, CLUSTER, METADATA

RUNS = [RunKey("c", "p", "e", f"r{number}") for number in range(3)]
KINDS: dict[Kind, dict[str, Any]] = {
    Kind.RUN: {"rounds": 2},
    Kind.MODEL: {"global": {"path": "é"}, "is_outdated": True},
}
BEGUN = datetime(2026, 1, 5, 8, tzinfo=UTC)
JOBS = [
    replace(job, id=f"job {number}", created_at=BEGUN + number * timedelta(minutes=1))
    for number, job in enumerate(
        [
            Job(Stage.TRAIN, RUNS[0]),
            Job(
                Stage.TRAIN,
                RUNS[1],
                state=JobState.FAILED,
                error=JobError("WorkerUnreachable", "no answer", "worker_1"),
            ),
            Job(Stage.PREDICT, RUNS[2].measured_at("worker_1"), {"tags": [["new"]]}),
        ]
    )
]


def one_by_one(store: RecordStore) -> None:
    for kind, payload in KINDS.items():
        for run in RUNS:
            store.put(kind, run, payload)
    store.add_jobs(JOBS)


def at_once(store: RecordStore) -> None:
    for kind, payload in KINDS.items():
        put_all(store, kind, [(run, payload) for run in RUNS])
    add_all_jobs(store, JOBS)


def rows_after(write: Callable[[RecordStore], None], url: str) -> dict[str, list[dict[str, Any]]]:
    """All there is, by table; changes in their order, without their numbers, and records without when they were written."""
    store = RecordStore(url)
    write(store)
    found = {}
    with store.database.reading() as connection:
        for table in METADATA.sorted_tables:
            is_change = table.name == CHANGES.name
            left_out = {"number"} if is_change else {"created_at"} if "doc_id" in table.c else set()
            columns = [column for column in table.columns if column.name not in left_out]
            wanted = select(*columns).order_by(CHANGES.c.number) if is_change else select(*columns)
            rows = [dict(row) for row in connection.execute(wanted).mappings()]
            found[table.name] = rows if is_change else sorted(rows, key=str)
    store.close()
    return {name: rows for name, rows in found.items() if name != CLUSTER.name}


def test_what_is_written_at_once_is_what_is_written_one_by_one(database: str, tmp_path: Path) -> None:
    written = rows_after(one_by_one, database)

    assert {name for name, rows in written.items() if rows} >= {"run", "model", "job", "job_event", "change", "share"}
    assert rows_after(at_once, f"sqlite:///{tmp_path / 'other.db'}") == written
