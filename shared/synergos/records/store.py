"""The record store: what was declared, what came out of it, and the jobs in between."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, and_, delete, exists, func, insert, select, tuple_, update

from synergos.domain.damage import DAMAGED, UNREADABLE, Damaged, DamagedPayload
from synergos.domain.job import FINAL_STATES, UNFINISHED, Job, JobState, Stage
from synergos.domain.job_event import NO_NEWS, JobEvent, JobEventKind, JobNews
from synergos.domain.keys import Key, ProjectKey
from synergos.domain.records import RECORD_TYPES, Ids, Kind, payload_of, restrict
from synergos.domain.trained_model import OUTDATED
from synergos.errors import RecordNotFound
from synergos.records import shares
from synergos.records.beneath import Beneath
from synergos.records.changes import note_deleted, note_job, note_new_job, note_new_record, note_record
from synergos.records.column_types import inside
from synergos.records.counting import Counts, Readable
from synergos.records.database import Database
from synergos.records.job_history import JobHistory
from synergos.records.jobs import SIZE_OF_JOB, Which, is_of_trace, read_job, read_jobs, row_of, standing_of
from synergos.records.paging import EVERYTHING, Page, Part, Selection
from synergos.records.plain import plain
from synergos.records.schema import MIGRATIONS
from synergos.records.shares import Share
from synergos.records.tables import CATALOGUES, CLUSTER, JOBS, RECORDS
from synergos.records.visibility import is_visible

_NO_TIME = datetime.fromtimestamp(0, UTC)
"""In the place of one that cannot be read."""
_READ_AT_ONCE = 1000
_OWN_ENDS = (JobState.COMPLETED.value, JobState.FAILED.value)
"""How a job ends that nobody has cancelled."""


class _Undone(Exception):
    """Ends a transaction of which nothing is to stay."""


Record = dict[str, Any]
"""``doc_id`` (int), ``kind``, ``key`` (dict), ``created_at`` (aware, UTC), and the payload's fields beside them."""


class RecordStore:
    """Records by kind and full key, and jobs by id; for any number of threads and processes at once.

    A ``key`` may hold more ids than the kind's own, so a job's key finds its run and its project. What clients are to
    see is read with :meth:`find_visible` and :meth:`beneath`: without the results that an unfinished job is about to
    replace (see :mod:`synergos.records.visibility`).

    Attributes:
        database: what the records lie in, for what else a grid remembers there (:mod:`synergos.records.leases`).
        history: what has happened to the jobs.

    Args:
        url: an SQLAlchemy URL; ``sqlite:///<file>`` is created, readable by its owner alone.
        migrations: the folder of the steps that lead to the schema wanted (see :mod:`synergos.records.schema`).

    Raises:
        Conflict: a newer version has changed the database's schema.
    """

    def __init__(self, url: str, migrations: Path = MIGRATIONS) -> None:
        self.database = Database(url, migrations)
        self.history = JobHistory(self.database)
        self._counts = Counts(self.database)

    def close(self) -> None:
        """Let go of the database."""
        self.database.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything this thread does inside happens wholly or not at all; one inside another is a part of it."""
        with self.database.writing():
            yield

    @contextmanager
    def rehearsal(self) -> Iterator[None]:
        """As :meth:`transaction`, but everything that was done inside is undone at its end; what was read there is as if it had been done."""
        with suppress(_Undone), self.transaction():
            yield
            raise _Undone

    # Records

    def put(self, kind: Kind, key: Ids, payload: Mapping[str, Any]) -> Record:
        """Declare a record: a stored one keeps its ``doc_id`` and nothing else."""
        values = {**_stored(kind, _payload(payload)), "created_at": datetime.now(UTC)}
        with self.database.writing() as connection:
            with self._counted(connection, kind, key):
                if not self._update(connection, kind, key, values):
                    connection.execute(insert(RECORDS[kind]).values(**restrict(key, kind), **values))
            return self.get(kind, key)

    def merge(self, kind: Kind, key: Ids, changes: Mapping[str, Any]) -> Record:
        """Replace the fields given, keep the others.

        Raises:
            RecordNotFound: there is no such record.
        """
        with self.database.writing() as connection:
            stored = _payload(self.get(kind, key))
            with self._counted(connection, kind, key):
                self._update(connection, kind, key, _stored(kind, {**stored, **_payload(changes)}))
            return self.get(kind, key)

    def get(self, kind: Kind, key: Ids) -> Record:
        """One record.

        Raises:
            RecordNotFound: there is none.
        """
        statement = select(RECORDS[kind]).where(_matches(kind, key))
        with self.database.reading() as connection:
            row = connection.execute(statement).mappings().one_or_none()
        if row is None:
            raise _missing(kind, key)
        return _record(kind, row)

    def find(self, kind: Kind, ids: Ids | None = None, /, **filters: str) -> list[Record]:
        """The records whose key has these ids, given as one mapping or by name, in order of creation."""
        return self.select(kind, Selection({**(ids or {}), **filters}, are_visible=False)).items

    def ids_beside(self, kind: Kind, key: Ids) -> list[str]:
        """The innermost ids of the records of this kind that share all outer ones, that of the key itself among them."""
        table = RECORDS[kind]
        *outer, own = RECORD_TYPES[kind].key_fields
        statement = select(table.c[own]).where(*(table.c[field] == key[field] for field in outer))
        with self.database.reading() as connection:
            return list(connection.execute(statement).scalars())

    def find_visible(self, kind: Kind, ids: Ids) -> list[Record]:
        """As :meth:`find`, without what is hidden from clients."""
        return self.select(kind, Selection(ids)).items

    def select(self, kind: Kind, selection: Selection, page: Page = EVERYTHING) -> Part[Record]:
        """The records that are wanted, a page of them; numbered by their ``doc_id``."""
        table = RECORDS[kind]
        statement = page.of(table, table.c.doc_id, shares.size_of(kind), *_conditions(kind, selection))
        with self.database.reading() as connection:
            rows = connection.execute(statement).mappings()
            return Part.cut(page, rows, table.c.doc_id, partial(_record, kind))

    def said(self, kind: Kind, keys: Collection[Key], field: str) -> dict[Key, str | None]:
        """What records say in a field, as text, by key; their payloads are not read."""
        table, key_type = RECORDS[kind], RECORD_TYPES[kind].key
        columns = [table.c[name] for name in key_type.fields()]
        said = inside(table.c.payload, table.c.payload[field].as_string())
        wanted = select(*columns, said).where(tuple_(*columns).in_([key.ids for key in keys]))
        with self.database.reading() as connection:
            return {key_type(*ids): value for *ids, value in connection.execute(wanted)}

    def each(self, kind: Kind, selection: Selection) -> Iterator[Record]:
        """The records that are wanted, however many there are: read piece by piece."""
        after = None
        while True:
            part = self.select(kind, selection, Page(_READ_AT_ONCE, after))
            yield from part.items
            if (after := part.after) is None:
                return

    def beneath(self, kind: Kind, records: Sequence[Record]) -> Beneath:
        """What clients see hang under each of these records, which are of one kind and in the order of their rows."""
        return Beneath(self.database, kind, [record["doc_id"] for record in records], _record)

    def count_beneath(
        self, kind: Kind, records: Sequence[Record], readable: Readable | None = None
    ) -> dict[int, dict[str, int]]:
        """How many records of each kind clients see hang under each of these records, by the ``doc_id`` of these.

        Args:
            readable: who reads, where that is not everybody's.
        """
        return self._counts.beneath(kind, [record["doc_id"] for record in records], readable)

    def delete(self, kind: Kind, key: Ids) -> Record:
        """Delete a record with everything under it; returns it as it was.

        Raises:
            RecordNotFound: there is no such record.
        """
        with self.database.writing() as connection:
            record = self.get(kind, key)
            self.prune(kind, key)
            self._delete(connection, kind, restrict(key, kind))
            note_deleted(connection, kind, restrict(key, kind))
        return record

    def prune(self, kind: Kind, key: Ids) -> None:
        """Delete what is deleted with a record, but not the record."""
        own = restrict(key, kind)
        with self.database.writing() as connection:
            for dependent in RECORD_TYPES[kind].cascade:
                if self._delete(connection, dependent, own):
                    note_deleted(connection, dependent, own)

    def share(self, collab_id: str) -> Share:
        """What a collaboration has of the store; with an empty id what belongs to none."""
        with self.database.reading() as connection:
            return shares.share_of(connection, collab_id)

    def count(self, kind: Kind, selection: Selection) -> int:
        """How many records are wanted."""
        counted = select(func.count()).select_from(RECORDS[kind]).where(*_conditions(kind, selection))
        with self.database.reading() as connection:
            return int(connection.execute(counted).scalar_one())

    # Jobs

    def add_jobs(self, jobs: Sequence[Job]) -> None:
        """Store new jobs, all or none; the results they will replace are hidden from now on."""
        with self.database.writing() as connection:
            for job in jobs:
                connection.execute(insert(JOBS).values(row_of(job)))
                note_new_job(connection, job)
                self.history.add(job.id, JobNews((JobEvent(JobEventKind.ACCEPTED, at=job.created_at),)))

    def job(self, job_id: str) -> Job:
        """One job.

        Raises:
            RecordNotFound: there is no such job.
            DamagedRecord: it cannot be read.
        """
        found = self.find_job(job_id)
        if isinstance(found, Damaged):
            raise found.error
        return found

    def find_job(self, job_id: str) -> Job | Damaged:
        """One job, be it that it cannot be read.

        Raises:
            RecordNotFound: there is no such job.
        """
        with self.database.reading() as connection:
            row = connection.execute(select(JOBS).where(JOBS.c.id == job_id)).mappings().one_or_none()
        if row is None:
            raise RecordNotFound(f"no Job {job_id!r}")
        return read_job(row)

    def progress_of(self, job_ids: Collection[str]) -> dict[str, Mapping[str, Any]]:
        """How far each of these jobs is, of those that are there."""
        wanted = select(JOBS.c.id, JOBS.c.progress).where(JOBS.c.id.in_(job_ids))
        with self.database.reading() as connection:
            rows = connection.execute(wanted)
            return {row.id: row.progress for row in rows if isinstance(row.progress, Mapping)}

    def jobs(self, **filters: str) -> list[Job]:
        """The jobs with this ``state``, this ``stage`` and these ids in their keys, newest last, as far as they can be read."""
        return [job for job in self.select_jobs(filters).items if isinstance(job, Job)]

    def select_jobs(
        self, filters: Mapping[str, str], page: Page = EVERYTHING, concerned: Which | None = None
    ) -> Part[Job | Damaged]:
        """As :meth:`jobs`, a page of them, those among them that cannot be read; numbered in the order they were accepted.

        Args:
            filters: also ``trace_id``, for those that were asked for in one trace.
            concerned: those that concern somebody; all without it.
        """
        statement = page.of(JOBS, JOBS.c.number, SIZE_OF_JOB, *_of_jobs(filters, concerned))
        with self.database.reading() as connection:
            rows = connection.execute(statement).mappings()
            return Part.cut(page, rows, JOBS.c.number, read_job)

    def unfinished_jobs(self) -> list[Job]:
        """The jobs to which something more will happen, newest last, as far as they can be read; found without a look at the others."""
        unfinished = select(JOBS).where(JOBS.c.state.in_(UNFINISHED)).order_by(JOBS.c.number)
        with self.database.reading() as connection:
            return read_jobs(connection.execute(unfinished).mappings())

    def ended_last(self, projects: Collection[ProjectKey]) -> dict[ProjectKey, Job]:
        """Of each of these projects the job accepted last of those that are done or have failed, as far as it can be read."""
        if not projects:
            return {}
        ids = tuple_(JOBS.c.collab_id, JOBS.c.project_id)
        of_projects = (ids.in_([project.ids for project in projects]), JOBS.c.state.in_(_OWN_ENDS))
        newest = select(func.max(JOBS.c.number)).where(*of_projects).group_by(JOBS.c.collab_id, JOBS.c.project_id)
        with self.database.reading() as connection:
            found = read_jobs(connection.execute(select(JOBS).where(JOBS.c.number.in_(newest))).mappings())
        return {job.keys.project: job for job in found}

    def count_unfinished_jobs(self, collab_id: str) -> int:
        """How many jobs of a collaboration have not ended."""
        wanted = (JOBS.c.state.in_(UNFINISHED), JOBS.c.collab_id == collab_id)
        with self.database.reading() as connection:
            return int(connection.execute(select(func.count()).select_from(JOBS).where(*wanted)).scalar_one())

    def count_jobs(self) -> dict[tuple[str, str], int]:
        """How many jobs there are, by state and stage as their columns say, be it what no job has."""
        counted = select(JOBS.c.state, JOBS.c.stage, func.count()).group_by(JOBS.c.state, JOBS.c.stage)
        with self.database.reading() as connection:
            return {(state, stage): count for state, stage, count in connection.execute(counted)}

    def job_states(self, filters: Mapping[str, str], concerned: Which | None = None) -> dict[str, int]:
        """How many of the jobs that :meth:`select_jobs` finds are in each state, as their column says."""
        counted = select(JOBS.c.state, func.count()).where(*_of_jobs(filters, concerned)).group_by(JOBS.c.state)
        with self.database.reading() as connection:
            return {row.state: int(row[1]) for row in connection.execute(counted)}

    def oldest_job(self, state: JobState) -> datetime | None:
        """When the oldest job in a state was accepted."""
        oldest = select(JOBS.c.created_at).where(JOBS.c.state == state.value).order_by(JOBS.c.number).limit(1)
        with self.database.reading() as connection:
            return connection.execute(oldest).scalar_one_or_none()

    def grids_of(self, ids: Ids) -> set[int | None]:
        """The sub-grids that have begun a job with these ids in its key; None stands for the only one of a basic grid."""
        scope = (JOBS.c[field] == value for field, value in ids.items())
        begun = select(JOBS.c.grid).where(JOBS.c.started_at.is_not(None), *scope).distinct()
        with self.database.reading() as connection:
            return set(connection.execute(begun).scalars())

    def has_unfinished_job(self, stage: Stage, ids: Ids) -> bool:
        """Whether a job of this stage with these ids in its key has not ended."""
        wanted = (JOBS.c.stage == stage.value, JOBS.c.state.in_(UNFINISHED))
        scope = (JOBS.c[field] == value for field, value in ids.items())
        with self.database.reading() as connection:
            return bool(connection.execute(select(exists().where(*wanted, *scope))).scalar_one())

    def save_job(self, job: Job) -> None:
        """Store where a job stands; what was reported of its progress stays when ``job`` carries none.

        Raises:
            RecordNotFound: there is no such job.
        """
        values = standing_of(job) | ({"progress": plain(job.progress)} if job.progress else {})
        with self.database.writing() as connection:
            had_ended = job.state.is_final and self._has_ended(connection, job.id)
            self._update_job(job.id, values)
            if job.state.is_final and not had_ended:
                self.history.add(job.id, JobNews((_end_of(job),)))

    def update_progress(self, job_id: str, progress: Mapping[str, Any] | None, news: JobNews = NO_NEWS) -> None:
        """Store how far a job is, and what has happened to it meanwhile.

        Args:
            progress: None where that is as before.

        Raises:
            RecordNotFound: there is no such job.
        """
        with self.database.writing():
            if progress is not None:
                self._update_job(job_id, {"progress": plain(progress)})
            self.history.add(job_id, news)

    @staticmethod
    def _has_ended(connection: Connection, job_id: str) -> bool:
        return connection.execute(select(JOBS.c.state).where(JOBS.c.id == job_id)).scalar_one_or_none() in FINAL_STATES

    def _update_job(self, job_id: str, values: Mapping[str, Any]) -> None:
        with self.database.writing() as connection:
            if not connection.execute(update(JOBS).where(JOBS.c.id == job_id).values(**values)).rowcount:
                raise RecordNotFound(f"no Job {job_id!r}")
            note_job(connection, job_id)

    def cluster_id(self) -> str:
        """What tells this record store from others whose programs use the same queue."""
        with self.database.reading() as connection:
            return str(connection.execute(select(CLUSTER.c.id)).scalar_one())

    @staticmethod
    @contextmanager
    def _counted(connection: Connection, kind: Kind, key: Ids) -> Iterator[None]:
        """What is written of one record inside is counted in its collaboration's share."""
        measured = select(shares.size_of(kind)).where(_matches(kind, key))
        before = connection.execute(measured).scalar_one_or_none()
        yield
        after = connection.execute(measured).scalar_one()
        shares.change(connection, restrict(key, kind), int(before is None), after - (before or 0))
        note = note_new_record if before is None else note_record
        note(connection, kind, restrict(key, kind))

    @staticmethod
    def _delete(connection: Connection, kind: Kind, ids: Ids) -> int:
        """Delete all of a kind with these ids in their keys; how many."""
        if kind is Kind.REGISTRATION:
            # Nobody is to be told of what was published by who is registered no more.
            connection.execute(delete(CATALOGUES).where(*(CATALOGUES.c[name] == value for name, value in ids.items())))
        conditions = [RECORDS[kind].c[name] == value for name, value in ids.items()]
        shares.release(connection, kind, *conditions)
        return connection.execute(delete(RECORDS[kind]).where(*conditions)).rowcount

    @staticmethod
    def _update(connection: Connection, kind: Kind, key: Ids, values: Mapping[str, Any]) -> bool:
        statement = update(RECORDS[kind]).where(_matches(kind, key)).values(**values)
        return bool(connection.execute(statement).rowcount)


def _matches(kind: Kind, key: Ids) -> ColumnElement[bool]:
    table = RECORDS[kind]
    return and_(*(table.c[field] == value for field, value in restrict(key, kind).items()))


def _of_jobs(filters: Mapping[str, str], concerned: Which | None) -> list[ColumnElement[bool]]:
    conditions = [
        is_of_trace(value) if field == "trace_id" else JOBS.c[field] == value for field, value in filters.items()
    ]
    return conditions if concerned is None else [*conditions, concerned.condition]


def _conditions(kind: Kind, selection: Selection) -> Iterator[ColumnElement[bool]]:
    table = RECORDS[kind]
    yield from (table.c[field] == value for field, value in selection.ids.items())
    yield from (table.c[field].contains(text, autoescape=True) for field, text in selection.containing.items())
    yield from (table.c[field].in_(values) for field, values in selection.among.items())
    for name, values in selection.saying.items():
        yield inside(table.c.payload, table.c.payload[name].as_string()).in_(values)
    if selection.are_visible:
        yield is_visible(kind)


def _stored(kind: Kind, payload: Mapping[str, Any]) -> dict[str, Any]:
    """The columns that hold a payload."""
    beside = {OUTDATED: payload.get(OUTDATED) is True} if kind is Kind.MODEL else {}
    return {"payload": payload, **beside}


def _payload(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: plain(value) for name, value in payload_of(fields).items()}


def _record(kind: Kind, row: RowMapping) -> Record:
    own = {
        "doc_id": row["doc_id"],
        "kind": kind.value,
        "key": {field: row[field] for field in RECORD_TYPES[kind].key_fields},
        "created_at": row["created_at"] or _NO_TIME,
    }
    if row["created_at"] is None or not isinstance(row["payload"], Mapping):
        return DamagedPayload({DAMAGED: UNREADABLE, **own})
    return {**row["payload"], **own}


def _end_of(job: Job) -> JobEvent:
    error = None if job.error is None else asdict(job.error)
    about = {"state": job.state.value} | ({} if error is None else {"error": error})
    who = None if job.error is None else job.error.participant
    return JobEvent(JobEventKind.ENDED, who, about, job.finished_at or datetime.now(UTC))


def _missing(kind: Kind, key: Ids) -> RecordNotFound:
    ids = ", ".join(f"{field}={value!r}" for field, value in restrict(key, kind).items())
    return RecordNotFound(f"no {kind.value} with {ids}")
