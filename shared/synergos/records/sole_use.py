"""Use of a record store: a program that runs its jobs alone keeps all others out, those of a cluster keep out such a one."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import SQLAlchemyError

from synergos.errors import Conflict
from synergos.in_use import alone, me, together

_SOLE_USE = 0x53594E4F
"""Any number that nobody else who uses the database takes for a lock of theirs."""
_WHAT = "the record store"
_ADVICE = "one program runs its jobs. End that one first, or give this one a --data folder or --database of its own"
_TRY_ALONE = "SELECT pg_try_advisory_lock(:lock, hashtext(current_schema()))"
_TRY_SHARED = "SELECT pg_try_advisory_lock_shared(:lock, hashtext(current_schema()))"
_LONGEST_NAME = 63
"""Bytes of a connection's name in PostgreSQL."""


class SoleUse(Protocol):
    """Held until it is released, or the process ends in whatever way."""

    def release(self) -> None:
        """Let others in."""


def hold(engine: Engine, who: str, *, is_shared: bool = False) -> SoleUse:
    """Take the database behind ``engine`` for a program alone, or for one of a cluster's.

    Args:
        who: what the program is called, for those who are kept out.
        is_shared: with all others who share it.

    Raises:
        Conflict: another program has it; says which, and since when.
    """
    if engine.dialect.name != "sqlite":
        return _ServerLock(engine, me(who), is_shared=is_shared)
    name = engine.url.database
    if not name or name == ":memory:":
        return _Nobody()
    lock = Path(f"{name}.lock")
    return together(lock, who, "records", _WHAT, _ADVICE) if is_shared else alone(lock, who, _WHAT, _ADVICE)


class _Nobody:
    """Of a database in this process's memory, which no other can reach."""

    def release(self) -> None:
        """Nothing to do."""


class _ServerLock:
    """A lock of PostgreSQL's, of one connection that is kept open for it."""

    def __init__(self, engine: Engine, program: str, *, is_shared: bool) -> None:
        self._connection = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        # It never goes back to the pool: the lock is the connection's, and ends with it.
        self._connection.detach()
        try:
            name = program.encode("ascii", "replace")[:_LONGEST_NAME].decode()
            self._connection.execute(text("SELECT set_config('application_name', :name, false)"), {"name": name})
            if not self._connection.scalar(text(_TRY_SHARED if is_shared else _TRY_ALONE), {"lock": _SOLE_USE}):
                raise _taken(*_holder_of(self._connection))
        except BaseException:
            self._connection.close()
            raise

    def release(self) -> None:
        """Let others in; a server that has gone has done so."""
        with suppress(SQLAlchemyError):
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
    # Of another user's connections the server may not say since when.
    return ("another program", "just now") if found is None else (found[0], found[1] or "some time ago")


def _taken(who: str, since: str) -> Conflict:
    return Conflict(f"{_WHAT} is in use by {who}, since {since}: {_ADVICE}")
