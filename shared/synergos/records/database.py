"""The connection to the database: how it is opened, and what a transaction is."""

from __future__ import annotations

import json
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, func, make_url, select
from sqlalchemy.exc import ArgumentError, OperationalError, ProgrammingError

from synergos.errors import Conflict, InvalidRequest
from synergos.records.reserve import Reserve
from synergos.records.schema import MIGRATIONS, Schema
from synergos.records.sole_use import SoleUse, hold

BUSY_TIMEOUT_SECONDS = 60
"""How long a writer waits for its turn."""

Done = TypeVar("Done")

_BUSY_PAUSE_SECONDS = 0.01
_POSTGRESQL_DISK_FULL = "53100"
_POSTGRESQL_NO_RIGHT = "42501"
_EXPECTED_URL = "expected sqlite:///FILE or postgresql+psycopg://USER:PASSWORD@HOST:PORT/NAME"
_WRITING = "synergos_writing"
_WRITERS_TURN = 0x53594E45
"""Any number that nobody else who uses the database takes for a lock of theirs."""


class Database:
    """Connections and transactions; a thread inside :meth:`writing` keeps one connection until it leaves.

    Attributes:
        file: that it lies in; None where that is a server's affair.
        commits: how many transactions of this program have written.

    Args:
        url: an SQLAlchemy URL, ``sqlite:///<file>`` or ``postgresql+psycopg://…``.
        migrations: the folder of the steps that lead to the schema wanted.

    Raises:
        InvalidRequest: the URL is none, or of a database or driver that is not there.
        Conflict: a newer version has changed the database's schema.
    """

    def __init__(self, url: str, migrations: Path = MIGRATIONS) -> None:
        try:
            self._engine = _open(url)
        except (ArgumentError, ModuleNotFoundError, ValueError) as error:
            # The URL may hold a password, and is not repeated.
            raise InvalidRequest(_EXPECTED_URL, "database") from error
        self._reader, self._writer = _reader(self._engine), self._engine.execution_options(**{_WRITING: True})
        self._local = threading.local()
        # Whoever waits for what this program writes waits on it; guards how many transactions have written since the start.
        self._committed = threading.Condition()
        self.commits = 0
        self._sole_use: SoleUse | None = None
        name = self._engine.url.database if self._engine.dialect.name == "sqlite" else None
        self.file = Path(name) if name and name != ":memory:" else None
        self._reserve = Reserve(self.file)
        self._bring_up_to_date(Schema(migrations))

    def _bring_up_to_date(self, schema: Schema) -> None:
        try:
            # Nearly always there is nothing to do, and no reason to wait for whoever is writing.
            with self.reading() as connection:
                is_current = schema.is_current(connection)
            if not is_current:
                with self.writing() as connection:
                    schema.upgrade(connection)
        except ProgrammingError as error:
            self.close()
            if getattr(error.orig, "sqlstate", None) != _POSTGRESQL_NO_RIGHT:
                raise
            raise Conflict(
                "the record store's database is not up to date, and its user may not change it: start the director first, whose"
                " tables they are"
            ) from error
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let go of every connection, and of sole use."""
        if self._sole_use is not None:
            self._sole_use.release()
            self._sole_use = None
        self._engine.dispose()

    def hold(self, who: str) -> None:
        """Take sole use of it, until it is closed: whoever else asks for that is refused meanwhile.

        Raises:
            Conflict: another program has it; says which, and since when.
        """
        self._sole_use = hold(self._engine, who)
        self._reserve.keep()

    def share(self, who: str) -> None:
        """Use it with all others who share it, until it is closed: nobody gets sole use meanwhile.

        Raises:
            Conflict: a program has sole use; says which, and since when.
        """
        self._sole_use = hold(self._engine, who, is_shared=True)
        self._reserve.keep()

    def making_room(self, work: Callable[[], Done]) -> Done:
        """Do what is to make room on the disk, once more with what is kept for that if the disk is full.

        Args:
            work: has a transaction of its own: what it did of it when the disk was full is undone.
        """
        try:
            done = work()
        except OperationalError as error:
            if not is_full(error) or not self._reserve.spend():
                raise
            done = work()
        if self._sole_use is not None:
            self._reserve.keep()
        return done

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that may change things; inside another one of the same thread, a part of it.

        Writers take turns, on every database: what one reads in its transaction nobody else changes.
        """
        outer: Connection | None = getattr(self._local, "writer", None)
        if outer is not None:
            with outer.begin_nested():
                yield outer
            return
        with self._writer.begin() as connection, self._as("writer", connection):
            yield connection
        with self._committed:
            self.commits += 1
            self._committed.notify_all()

    def await_commit(self, commits: int, seconds: float) -> None:
        """Wait until this program has written again, but no longer than so many seconds.

        Args:
            commits: how many transactions had written when it was last looked.
        """
        with self._committed:
            self._committed.wait_for(lambda: self.commits != commits, seconds)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One view of what is stored; inside :meth:`writing` it sees what was written there."""
        outer: Connection | None = getattr(self._local, "writer", None) or getattr(self._local, "reader", None)
        if outer is not None:
            yield outer
            return
        with self._reader.begin() as connection, self._as("reader", connection):
            yield connection

    @property
    def is_writing(self) -> bool:
        """Whether this thread is inside :meth:`writing`."""
        return getattr(self._local, "writer", None) is not None

    def now(self) -> datetime:
        """The time by which leases are measured: the server's, where hosts share one; aware, UTC."""
        if self._engine.dialect.name == "sqlite":
            return datetime.now(UTC)
        with self.reading() as connection:
            moment: datetime = connection.execute(select(func.clock_timestamp())).scalar_one()
            return moment.astimezone(UTC)

    @contextmanager
    def _as(self, role: str, connection: Connection) -> Iterator[None]:
        """What this thread does until then is done on ``connection``."""
        setattr(self._local, role, connection)
        try:
            yield
        finally:
            delattr(self._local, role)


def is_full(error: Exception) -> bool:
    """Whether an error of the database says that its disk takes no more."""
    cause = error.orig if isinstance(error, OperationalError) else None
    if isinstance(cause, sqlite3.OperationalError):
        # Of a quota SQLite says that writing failed.
        return cause.sqlite_errorname in {"SQLITE_FULL", "SQLITE_IOERR_WRITE"}
    return getattr(cause, "sqlstate", None) == _POSTGRESQL_DISK_FULL


def _open(url: str) -> Engine:
    is_sqlite = make_url(url).get_backend_name() == "sqlite"
    if is_sqlite:
        _make_private_file(make_url(url).database)
    engine = create_engine(
        url,
        json_serializer=partial(json.dumps, allow_nan=False),
        max_overflow=-1,
        # Errors are logged, and what is stored is nobody's to read there.
        hide_parameters=True,
        pool_pre_ping=not is_sqlite,
    )
    if is_sqlite:
        event.listen(engine, "connect", _configure_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    else:
        event.listen(engine, "connect", _configure_postgresql)
        event.listen(engine, "begin", _begin_postgresql)
    return engine


def _reader(engine: Engine) -> Engine:
    """The same database, where every query of a transaction sees what the first one saw; SQLite does so anyway."""
    return engine if engine.dialect.name == "sqlite" else engine.execution_options(isolation_level="REPEATABLE READ")


def _make_private_file(name: str | None) -> None:
    """Make the file readable by its owner alone; SQLite gives its side files the same mode."""
    if not name or name == ":memory:":
        return
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(name, os.O_CREAT | os.O_RDWR, 0o600))


def _configure_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    # The driver's own idea of when to begin a transaction is switched off; see _begin_sqlite.
    connection.isolation_level = None
    for pragma in (f"busy_timeout = {BUSY_TIMEOUT_SECONDS * 1000}", "foreign_keys = ON"):
        connection.execute(f"PRAGMA {pragma}").close()
    _switch_to_wal(connection)


def _switch_to_wal(connection: sqlite3.Connection) -> None:
    """Have readers and a writer not wait for each other.

    Where several open a new file in one moment, SQLite refuses all but one of them at once, whatever the busy timeout:
    they would wait for each other.
    """
    deadline = time.monotonic() + BUSY_TIMEOUT_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL").close()
        except sqlite3.OperationalError as error:
            # The low byte is the error, the rest says which of its kinds.
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(_BUSY_PAUSE_SECONDS)
        else:
            return


def _begin_sqlite(connection: Connection) -> None:
    # A writer takes its turn before it reads: two that read first and then write would refuse each other.
    connection.exec_driver_sql("BEGIN IMMEDIATE" if _is_writing(connection) else "BEGIN")


def _configure_postgresql(connection: Any, _record: object) -> None:
    connection.execute(f"SET lock_timeout = '{BUSY_TIMEOUT_SECONDS}s'")
    # Otherwise it would end with the transaction that setting it has begun.
    connection.commit()


def _begin_postgresql(connection: Connection) -> None:
    if _is_writing(connection):
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_WRITERS_TURN})")


def _is_writing(connection: Connection) -> bool:
    return bool(connection.get_execution_options().get(_WRITING, False))
