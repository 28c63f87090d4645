"""Many records and jobs that are new, written in a statement for each table: as they would be one after the other, and in seconds instead of minutes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, insert, select

from synergos.domain.job import Job
from synergos.domain.records import Ids, Kind, restrict
from synergos.records import RecordStore
from synergos.records.changes import JOB, _text, newest_change
from synergos.records.jobs import row_of
from synergos.records.shares import recount
from synergos.records.store import _payload, _stored
from synergos.records.tables import CHANGES, JOB_EVENTS, JOBS, RECORDS


def put_all(store: RecordStore, kind: Kind, records: Sequence[tuple[Ids, Mapping[str, Any]]]) -> None:
    """As :meth:`RecordStore.put` of each of these keys and payloads."""
    if not records:
        return
    keys = [restrict(key, kind) for key, _ in records]
    with store.database.writing() as connection:
        rows = [
            {**key, **_stored(kind, _payload(payload)), "created_at": datetime.now(UTC)}
            for key, (_, payload) in zip(keys, records, strict=True)
        ]
        connection.execute(insert(RECORDS[kind]), rows)
        _note(connection, [(kind.value, _text(key), key) for key in keys])
        recount(connection)


def add_all_jobs(store: RecordStore, jobs: Sequence[Job]) -> None:
    """As :meth:`RecordStore.add_jobs`, which the first of them is added by."""
    first, *others = jobs
    store.add_jobs([first])
    if not others:
        return
    with store.database.writing() as connection:
        known = select(JOB_EVENTS).join(JOBS, JOB_EVENTS.c.job == JOBS.c.number).where(JOBS.c.id == first.id)
        events = [dict(row) for row in connection.execute(known).mappings()]
        connection.execute(insert(JOBS), [row_of(job) for job in others])
        stored = connection.execute(select(JOBS.c.id, JOBS.c.number)).mappings()
        of_jobs = {job["id"]: job["number"] for job in stored}
        rows = [{**event, "job": of_jobs[job.id], "at": job.created_at} for job in others for event in events]
        connection.execute(insert(JOB_EVENTS), rows)
        _note(connection, [(JOB, job.id, job.keys) for job in others])


def _note(connection: Connection, changed: Sequence[tuple[str, str, Ids]]) -> None:
    newest = newest_change(connection)
    rows = [
        {"kind": kind, "item": item, "number": number, "key": dict(key), "is_deleted": False}
        for number, (kind, item, key) in enumerate(changed, start=newest + 1)
    ]
    connection.execute(insert(CHANGES), rows)
