"""What was ever written to a record store: the database notes it itself, whoever writes, and only what is committed."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Table

from synergos.domain.job import JobState
from synergos.domain.records import RECORD_TYPES, Kind
from synergos.records import RecordStore
from synergos.records.tables import JOBS, RECORDS

RESULTS = (Kind.ALIGNMENT, Kind.MODEL, Kind.VALIDATION, Kind.PREDICTION)

_FINAL = ", ".join(f"'{state.value}'" for state in JobState if state.is_final)


@dataclass(frozen=True)
class Entry:
    """One row that was written or deleted.

    Attributes:
        table: where it is.
        row: the job's id, or the key of the result.
    """

    table: str
    row: str


class Ledger:
    """The ends of jobs and the changes of results in an SQLite record store, from now on."""

    def __init__(self, store: RecordStore) -> None:
        self._store = store
        statements = ["CREATE TABLE ledger (number INTEGER PRIMARY KEY, in_table TEXT NOT NULL, in_row TEXT NOT NULL)"]
        # Also a final state that is written over a final state.
        statements.append(_trigger(JOBS, "UPDATE OF state", "NEW.id", f"WHEN NEW.state IN ({_FINAL})"))
        for kind in RESULTS:
            for change, version in (("INSERT", "NEW"), ("UPDATE", "NEW"), ("DELETE", "OLD")):
                key = " || '/' || ".join(f"{version}.{field}" for field in RECORD_TYPES[kind].key_fields)
                statements.append(_trigger(RECORDS[kind], change, key))
        with store.database.writing() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)

    def ended(self) -> int:
        """How many ends of jobs were written down."""
        with self._store.database.reading() as connection:
            counted = connection.exec_driver_sql(f"SELECT count(*) FROM ledger WHERE in_table = '{JOBS.name}'")
            return int(counted.scalar_one())

    def entries(self) -> list[Entry]:
        """Everything in the order it was written."""
        with self._store.database.reading() as connection:
            rows = connection.exec_driver_sql("SELECT in_table, in_row FROM ledger ORDER BY number")
            return [Entry(*row) for row in rows]


def _trigger(table: Table, change: str, row: str, condition: str = "") -> str:
    name = f"ledger_{table.name}_{change.split()[0].lower()}"
    note = f"INSERT INTO ledger (in_table, in_row) VALUES ('{table.name}', {row})"
    return f"CREATE TRIGGER {name} AFTER {change} ON {table.name} {condition} BEGIN {note}; END"
