"""Sole use of a record store: who runs its jobs alone keeps every other such program out, and is named to it."""

from __future__ import annotations

import json
import os
import socket
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from filelock import FileLock, Timeout
from sqlalchemy import Connection, Engine, text

from synergos.errors import Conflict

_SOLE_USE = 0x53594E4F
"""Any number that nobody else who uses the database takes for a lock of theirs."""
_LONGEST_NAME = 63
"""Bytes of a connection's name in PostgreSQL."""


class SoleUse(Protocol):
    """Held until it is released, or the process ends in whatever way."""

    def release(self) -> None:
        """Let others in."""


def hold(engine: Engine, who: str) -> SoleUse:
    """Take sole use of the database behind ``engine``.

    Args:
        who: what the program is called, for those who are kept out.

    Raises:
        Conflict: another program has it; says which, and since when.
    """
    me = f"{who} on {socket.gethostname()}, process {os.getpid()}"
    if engine.dialect.name != "sqlite":
        return _ServerLock(engine, me)
    name = engine.url.database
    return _FileLock(Path(name), me) if name and name != ":memory:" else _Nobody()


class _Nobody:
    """Of a database in this process's memory, which no other can reach."""

    def release(self) -> None:
        """Nothing to do."""


class _FileLock:
    """A lock of the operating system's, beside the database's file; it ends with the process, however that ends."""

    def __init__(self, database: Path, me: str) -> None:
        # Whoever releases it may be another thread than the one that took it.
        self._lock = FileLock(f"{database}.lock", thread_local=False)
        self._holder = database.with_name(f"{database.name}.holder")
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            raise _taken(*self._taker()) from None
        self._holder.write_text(json.dumps([me, _now()]), encoding="utf-8")

    def release(self) -> None:
        """Let others in."""
        self._holder.unlink(missing_ok=True)
        self._lock.release()

    def _taker(self) -> tuple[str, str]:
        """Who has it, and since when; written just after it was taken, so that it can be missing for a moment."""
        try:
            who, since = json.loads(self._holder.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return "another program", "just now"
        return str(who), str(since)


class _ServerLock:
    """A lock of PostgreSQL's, of one connection that is kept open for it."""

    def __init__(self, engine: Engine, me: str) -> None:
        self._connection = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        # It never goes back to the pool: the lock is the connection's, and ends with it.
        self._connection.detach()
        try:
            name = me.encode("ascii", "replace")[:_LONGEST_NAME].decode()
            self._connection.execute(text("SELECT set_config('application_name', :name, false)"), {"name": name})
            if not self._connection.scalar(
                text("SELECT pg_try_advisory_lock(:lock, hashtext(current_schema()))"), {"lock": _SOLE_USE}
            ):
                raise _taken(*_holder_of(self._connection))
        except BaseException:
            self._connection.close()
            raise

    def release(self) -> None:
        """Let others in."""
        self._connection.close()


def _holder_of(connection: Connection) -> tuple[str, str]:
    found: Any = connection.execute(
        text(
            "SELECT application_name, to_char(backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS \"UTC\"')"
            " FROM pg_locks JOIN pg_stat_activity USING (pid)"
            " WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
            " AND classid = :lock AND objid = (hashtext(current_schema())::bigint & 4294967295)::oid AND granted"
        ),
        {"lock": _SOLE_USE},
    ).first()
    return ("another program", "just now") if found is None else (found[0], found[1])


def _taken(who: str, since: str) -> Conflict:
    return Conflict(
        f"the record store is in use by {who}, since {since}: one program runs its jobs. End that one first, or give this one "
        "a --data folder or --database of its own"
    )


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
