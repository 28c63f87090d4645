"""One table per kind of record, one for jobs; written for SQLite and PostgreSQL alike."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
)

from synergos.domain.identifiers import MAXIMUM_LENGTH
from synergos.domain.keys import JOB_IDS
from synergos.domain.records import RECORD_TYPES, Kind
from synergos.records.column_types import Json, UtcDateTime

METADATA = MetaData()


def _record_table(kind: Kind) -> Table:
    keys = RECORD_TYPES[kind].key_fields
    name = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in kind).removeprefix("_")
    return Table(
        name,
        METADATA,
        Column("doc_id", Integer, primary_key=True, autoincrement=True),
        *(Column(field, String(MAXIMUM_LENGTH), nullable=False) for field in keys),
        Column("created_at", UtcDateTime, nullable=False),
        Column("payload", Json, nullable=False),
        UniqueConstraint(*keys, name=f"{name}_key"),
        # Without this SQLite gives the number of a deleted newest row to the next one.
        sqlite_autoincrement=True,
    )


RECORDS: Mapping[Kind, Table] = {kind: _record_table(kind) for kind in RECORD_TYPES}

JOBS = Table(
    "job",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("id", String(64), nullable=False, unique=True),
    Column("stage", String(32), nullable=False),
    Column("state", String(32), nullable=False),
    *(Column(field, String(MAXIMUM_LENGTH)) for field in JOB_IDS),
    Column("parameters", Json, nullable=False),
    Column("progress", Json, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("error", Json(none_as_null=True)),
    Column("created_at", UtcDateTime, nullable=False),
    Column("started_at", UtcDateTime),
    Column("finished_at", UtcDateTime),
    Column("grid", Integer),
    Column("ttp", String(MAXIMUM_LENGTH)),
    Column("not_before", UtcDateTime),
    # Who runs it, until when it is believed to be alive, and how many have run it before; under which lease, which nobody else is
    # told, and where it puts the files it leaves.
    Column("holder", String(64)),
    Column("lease_until", UtcDateTime),
    Column("fence", Integer, nullable=False, server_default="0"),
    Column("lease", String(32)),
    Column("outputs", Text),
    Column("cancel_requested", Boolean, nullable=False, server_default=false()),
    Index("job_unfinished", "state", "collab_id", "project_id"),
    Index("job_listed", "state", "number"),
    Index("job_served", "collab_id", "project_id", "started_at"),
    Index("job_turns", "collab_id", "started_at"),
    sqlite_autoincrement=True,
)

GRID_LEASES = Table(
    "grid_lease",
    METADATA,
    Column("grid", Integer, primary_key=True, autoincrement=False),
    Column("holder", String(64), nullable=False),
    Column("ttp", String(MAXIMUM_LENGTH), nullable=False),
    Column("lease_until", UtcDateTime, nullable=False),
)

REMOVALS = Table(
    "removal",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("id", String(64), nullable=False, unique=True),
    # Of the folder; those that it is not inside of are null.
    Column("collab_id", String(MAXIMUM_LENGTH), nullable=False),
    *(Column(field, String(MAXIMUM_LENGTH)) for field in ("project_id", "expt_id", "run_id", "participant_id")),
    Column("purpose", String(32)),
    Column("grid", Integer),
    # Of the worker; null where no worker is meant.
    Column("host", String(255)),
    Column("command_port", Integer),
    Column("data_port", Integer),
    Column("created_at", UtcDateTime, nullable=False),
    Column("tried_at", UtcDateTime),
    Column("reason", Text),
    sqlite_autoincrement=True,
)

SHARES = Table(
    "share",
    METADATA,
    # Empty for what belongs to no collaboration.
    Column("collab_id", String(MAXIMUM_LENGTH), primary_key=True),
    Column("records", Integer, nullable=False),
    Column("size", BigInteger, nullable=False),
)

CLUSTER = Table("cluster", METADATA, Column("id", String(64), primary_key=True))
"""One row: what tells this record store from others that use the same queue."""
