"""A copy of a record store that is in use: one state of it, in one file, and what that state says of files."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Protocol

from sqlalchemy import URL, Connection, Engine, MetaData, create_engine, make_url, text

from synergos.errors import Conflict, NotSupported, RecordNotFound, SynergosError
from synergos.records.schema import Schema
from synergos.upkeep.references import References, references_in

SQLITE_NAME = "records.sqlite"
POSTGRESQL_NAME = "records.dump"
_BUSY_SECONDS = 60


class RecordSource(Protocol):
    """A record store to be copied, or to be filled with a copy.

    Attributes:
        name: the file's, in a backup.
    """

    name: str

    def copy(self, target: Path) -> References:
        """Write one state to a new file; what it refers to.

        Raises:
            RecordNotFound: there is no record store.
            Conflict: it is one of another release.
            SynergosError: it cannot be copied; says why.
        """

    def refuse_strange(self) -> None:
        """Make sure that there is a record store, and that it is one of this release.

        Raises:
            RecordNotFound: there is none.
            Conflict: it is one of another release.
        """

    def refuse_filled(self) -> None:
        """Make sure that there is nothing yet.

        Raises:
            Conflict: there is.
        """

    @contextmanager
    def filled_from(self, copy: Path) -> Iterator[Connection]:
        """Fill it, wholly or not at all; what is done with the connection belongs to that.

        Raises:
            SynergosError: it cannot be filled; says why.
        """


def record_source(url: str) -> RecordSource:
    """Whichever kind of database a record store's URL names."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return SqliteRecords(Path(parsed.database or ""))
    return PostgresqlRecords(parsed)


class SqliteRecords:
    """A file of SQLite's, with what it has beside it while it is in use.

    A copy of the file alone has none of what lies in its ``-wal`` file, and a copy of both may be of two moments: SQLite's own
    backup is of one, and whoever writes does not wait for it.
    """

    name = SQLITE_NAME

    def __init__(self, file: Path) -> None:
        self._file = file

    def copy(self, target: Path) -> References:
        """See :class:`RecordSource`."""
        self._refuse_missing()
        target.touch(mode=0o600)
        try:
            with closing(self._connect(self._file)) as source, closing(sqlite3.connect(target)) as copied:
                source.backup(copied)
                # One file, with nothing beside it.
                copied.execute("PRAGMA journal_mode = DELETE").close()
        except sqlite3.Error as error:
            raise Conflict(f"the record store {self._file} cannot be copied: {error}") from error
        with _connected(f"sqlite:///{target}") as connection:
            _refuse_other_schema(connection)
            return references_in(connection)

    def refuse_strange(self) -> None:
        """See :class:`RecordSource`."""
        self._refuse_missing()
        with _connected(f"sqlite:///{self._file}") as connection:
            _refuse_other_schema(connection)

    def refuse_filled(self) -> None:
        """See :class:`RecordSource`."""
        # A log that a killed program left would be taken for the restored file's.
        for suffix in ("", "-wal", "-shm", "-journal"):
            file = self._file.with_name(f"{self._file.name}{suffix}")
            if file.exists():
                raise Conflict(
                    f"there is a record store already, or a part of one, {file}; move it away, or name another --data"
                )

    @contextmanager
    def filled_from(self, copy: Path) -> Iterator[Connection]:
        """See :class:`RecordSource`."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        unfinished = self._file.with_name(f".{self._file.name}.restored")
        engine = create_engine(f"sqlite:///{unfinished}")
        try:
            unfinished.touch(mode=0o600)
            shutil.copyfile(copy, unfinished)
            with engine.begin() as connection:
                yield connection
            unfinished.replace(self._file)
        finally:
            engine.dispose()
            unfinished.unlink(missing_ok=True)

    def _refuse_missing(self) -> None:
        if not self._file.is_file():
            raise RecordNotFound(f"there is no record store {self._file}", "--data")

    @staticmethod
    def _connect(file: Path) -> sqlite3.Connection:
        # Only read; but who reads a file in use writes to what lies beside it.
        return sqlite3.connect(f"{file.absolute().as_uri()}?mode=rw", uri=True, timeout=_BUSY_SECONDS)


class PostgresqlRecords:
    """A database of PostgreSQL's, copied and filled by its own programs, which have to be installed here."""

    name = POSTGRESQL_NAME

    def __init__(self, url: URL) -> None:
        self._url = url

    def copy(self, target: Path) -> References:
        """See :class:`RecordSource`."""
        with self._engine() as engine, engine.connect() as connection:
            _refuse_other_schema(connection)
            # What is dumped is the very state that is looked at here.
            snapshot = str(connection.scalar(text("SELECT pg_export_snapshot()")))
            schema = str(connection.scalar(text("SELECT current_schema()")))
            self._run("pg_dump", "--format=custom", f"--snapshot={snapshot}", f"--table={schema}.*", f"--file={target}")
            target.chmod(0o600)
            return references_in(connection)

    def refuse_strange(self) -> None:
        """See :class:`RecordSource`."""
        with self._engine() as engine, engine.connect() as connection:
            _refuse_other_schema(connection)

    def refuse_filled(self) -> None:
        """See :class:`RecordSource`."""
        with self._engine() as engine, engine.connect() as connection:
            count = connection.scalar(
                text("SELECT count(*) FROM information_schema.tables WHERE table_schema = current_schema()")
            )
        if count:
            raise Conflict("there are tables in the database already; name one that is empty in --database")

    @contextmanager
    def filled_from(self, copy: Path) -> Iterator[Connection]:
        """See :class:`RecordSource`."""
        self._run("pg_restore", "--no-owner", "--exit-on-error", "--single-transaction", str(copy))
        try:
            with self._engine() as engine, engine.begin() as connection:
                yield connection
        except BaseException:
            # What was restored is committed already; nothing else was there.
            self._empty()
            raise

    def _empty(self) -> None:
        """Drop all tables."""
        with self._engine() as engine, engine.begin() as connection:
            found = MetaData()
            found.reflect(connection)
            found.drop_all(connection)

    @contextmanager
    def _engine(self) -> Iterator[Engine]:
        engine = create_engine(self._url, isolation_level="REPEATABLE READ")
        try:
            yield engine
        except SynergosError:
            raise
        except Exception as error:
            raise Conflict(f"the database cannot be used: {type(error).__name__}") from error
        finally:
            engine.dispose()

    def _run(self, program: str, *arguments: str) -> None:
        """Run one of PostgreSQL's programs; a password is in the environment or in a file, as for all of them."""
        found = shutil.which(program)
        if found is None:
            raise NotSupported(f"{program} is not installed here; it comes with PostgreSQL's client programs")
        # The list of processes shows what a program is called with, and the password is not for everybody.
        address = self._url.set(drivername="postgresql", password=None).render_as_string()
        secret = {} if self._url.password is None else {"PGPASSWORD": self._url.password}
        done = subprocess.run(  # noqa: S603  (no shell, and an administrator's own words)
            [found, "--dbname", address, *arguments],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, **secret},
        )
        if done.returncode:
            raise Conflict(f"{program}: {_last_line(done.stderr)}")


@contextmanager
def _connected(url: str) -> Iterator[Connection]:
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


def _refuse_other_schema(connection: Connection) -> None:
    """Refuse a record store of an earlier release; one of a later release is refused in its own words."""
    if not Schema().is_current(connection):
        raise Conflict("the record store is one of an earlier release: use that for it, or start its program once")


def _last_line(words: str) -> str:
    lines: Sequence[str] = words.strip().splitlines()
    return lines[-1] if lines else "it failed without a word"
