"""The record store: what was declared, what came out of it, and the jobs in between."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    and_,
    bindparam,
    delete,
    func,
    insert,
    select,
    tuple_,
    update,
)

from synergos.domain.damage import DAMAGED, UNREADABLE, DamagedPayload
from synergos.domain.keys import Key
from synergos.domain.records import RECORD_TYPES, Ids, Kind, Record, payload_of, restrict
from synergos.domain.trained_model import OUTDATED
from synergos.errors import RecordNotFound
from synergos.records import shares
from synergos.records.beneath import Beneath
from synergos.records.changes import note_deleted, note_new_record, note_record
from synergos.records.column_types import inside
from synergos.records.counting import Counts, Readable
from synergos.records.database import Database
from synergos.records.job_store import JobStore
from synergos.records.paging import EVERYTHING, Page, Part, Selection
from synergos.records.plain import plain
from synergos.records.schema import MIGRATIONS
from synergos.records.shares import Share
from synergos.records.tables import CATALOGUES, CLUSTER, RECORDS
from synergos.records.visibility import is_visible

_NO_TIME = datetime.fromtimestamp(0, UTC)
"""In the place of one that cannot be read."""
_READ_AT_ONCE = 1000


# Statements of one record are made once: making one takes longer than what it asks for.
_MATCHES = {
    kind: and_(*(table.c[field] == bindparam(f"own_{field}") for field in RECORD_TYPES[kind].key_fields))
    for kind, table in RECORDS.items()
}
_STORED = {kind: select(table).where(_MATCHES[kind]) for kind, table in RECORDS.items()}
_SIZE = {kind: select(shares.size_of(kind)).where(_MATCHES[kind]) for kind in RECORDS}
_CHANGED = {kind: update(table).where(_MATCHES[kind]) for kind, table in RECORDS.items()}


class _Undone(Exception):
    """Ends a transaction of which nothing is to stay."""


class RecordStore(JobStore):
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
        super().__init__(Database(url, migrations))
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

    def put(self, kind: Kind, key: Ids, payload: Mapping[str, object]) -> Record:
        """Declare a record: a stored one keeps its ``doc_id`` and nothing else."""
        values = {**_stored(kind, _payload(payload)), "created_at": datetime.now(UTC)}
        with self.database.writing() as connection:
            with self._counted(connection, kind, key):
                if not self._update(connection, kind, key, values):
                    connection.execute(insert(RECORDS[kind]).values(**restrict(key, kind), **values))
            return self.get(kind, key)

    def merge(self, kind: Kind, key: Ids, changes: Mapping[str, object]) -> Record:
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
        with self.database.reading() as connection:
            row = connection.execute(_STORED[kind], _own(kind, key)).mappings().one_or_none()
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
        statement = page.of(table, table.c.doc_id, shares.size_of(kind), *conditions(kind, selection))
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
        counted = select(func.count()).select_from(RECORDS[kind]).where(*conditions(kind, selection))
        with self.database.reading() as connection:
            return int(connection.execute(counted).scalar_one())

    def cluster_id(self) -> str:
        """What tells this record store from others whose programs use the same queue."""
        with self.database.reading() as connection:
            return str(connection.execute(select(CLUSTER.c.id)).scalar_one())

    @staticmethod
    @contextmanager
    def _counted(connection: Connection, kind: Kind, key: Ids) -> Iterator[None]:
        """What is written of one record inside is counted in its collaboration's share."""
        own = _own(kind, key)
        before = connection.execute(_SIZE[kind], own).scalar_one_or_none()
        yield
        after = connection.execute(_SIZE[kind], own).scalar_one()
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
    def _update(connection: Connection, kind: Kind, key: Ids, values: Mapping[str, object]) -> bool:
        return bool(connection.execute(_CHANGED[kind], {**values, **_own(kind, key)}).rowcount)


def _own(kind: Kind, key: Ids) -> dict[str, str]:
    """What the statements of one record are told of it."""
    return {f"own_{field}": value for field, value in restrict(key, kind).items()}


def conditions(kind: Kind, selection: Selection) -> Iterator[ColumnElement[bool]]:
    """That a row of a kind's table is wanted."""
    table = RECORDS[kind]
    yield from (table.c[field] == value for field, value in selection.ids.items())
    yield from (table.c[field].contains(text, autoescape=True) for field, text in selection.containing.items())
    yield from (table.c[field].in_(values) for field, values in selection.among.items())
    for name, values in selection.saying.items():
        yield inside(table.c.payload, table.c.payload[name].as_string()).in_(values)
    if selection.are_visible:
        yield is_visible(kind)


def _stored(kind: Kind, payload: Mapping[str, object]) -> dict[str, object]:
    """The columns that hold a payload."""
    beside = {OUTDATED: payload.get(OUTDATED) is True} if kind is Kind.MODEL else {}
    return {"payload": payload, **beside}


def _payload(fields: Mapping[str, object]) -> dict[str, object]:
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


def _missing(kind: Kind, key: Ids) -> RecordNotFound:
    ids = ", ".join(f"{field}={value!r}" for field, value in restrict(key, kind).items())
    return RecordNotFound(f"no {kind.value} with {ids}")
