"""One table per kind of record, one for jobs; written for SQLite and PostgreSQL alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
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
from synergos.domain.keys import JOB_IDS, RegistrationKey
from synergos.domain.records import RECORD_TYPES, Kind
from synergos.records.column_types import Json, UtcDateTime

METADATA = MetaData()


def _beside_payload() -> list[Column[Any]]:
    # Said in a model's payload, too: what every look at results asks is found without reading that.
    return [Column("is_outdated", Boolean, nullable=False, server_default=false())]


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
        *(_beside_payload() if kind is Kind.MODEL else ()),
        UniqueConstraint(*keys, name=f"{name}_key"),
        *([Index("model_outdated", "is_outdated", *keys)] if kind is Kind.MODEL else ()),
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
    Column("traceparent", String(64)),
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

JOB_EVENTS = Table(
    "job_event",
    METADATA,
    # The number of the job in its own table.
    Column("job", Integer, primary_key=True, autoincrement=False),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("attempt", Integer, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("participant", String(MAXIMUM_LENGTH)),
    Column("about", Json, nullable=False),
)

JOB_ROUNDS = Table(
    "job_round",
    METADATA,
    Column("job", Integer, primary_key=True, autoincrement=False),
    Column("attempt", Integer, primary_key=True, autoincrement=False),
    # Counted from 1.
    Column("round", Integer, primary_key=True, autoincrement=False),
    Column("at", UtcDateTime),
    Column("train", Float(53)),
    Column("evaluate", Float(53)),
    Column("participants", Json, nullable=False),
)

GRID_LEASES = Table(
    "grid_lease",
    METADATA,
    Column("grid", Integer, primary_key=True, autoincrement=False),
    Column("holder", String(64), nullable=False),
    Column("ttp", String(MAXIMUM_LENGTH), nullable=False),
    Column("lease_until", UtcDateTime, nullable=False),
    # Fingerprints of the workers that dial out to it.
    Column("joined", Json(none_as_null=True)),
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

CATALOGUES = Table(
    "catalogue",
    METADATA,
    *(Column(field, String(MAXIMUM_LENGTH), primary_key=True) for field in RegistrationKey.fields()),
    Column("node", Integer, primary_key=True, autoincrement=False),
    # What stands for the registration that the node was asked as.
    Column("registered", String(64), nullable=False),
    Column("wanted_at", UtcDateTime, nullable=False),
    Column("asked_at", UtcDateTime),
    Column("seen_at", UtcDateTime),
    Column("problem", Text),
    Column("content", Json(none_as_null=True)),
)

SHARES = Table(
    "share",
    METADATA,
    # Empty for what belongs to no collaboration.
    Column("collab_id", String(MAXIMUM_LENGTH), primary_key=True),
    Column("records", Integer, nullable=False),
    Column("size", BigInteger, nullable=False),
)

CHANGES = Table(
    "change",
    METADATA,
    # What has changed: the id of a job, the key of a record as text; each once, with the number of its last change.
    Column("kind", String(32), primary_key=True),
    Column("item", Text, primary_key=True),
    # Not of a sequence: writers take turns, so whoever has seen a number has seen all before it.
    Column("number", BigInteger, nullable=False),
    Column("key", Json, nullable=False),
    Column("is_deleted", Boolean, nullable=False),
    Index("change_by_number", "number", unique=True),
)

MEMBERS = Table(
    "member",
    METADATA,
    Column("fingerprint", String(64), primary_key=True),
    Column("name", String(MAXIMUM_LENGTH), nullable=False),
    # A statement of the director's; null until it has signed.
    Column("endorsement", Json(none_as_null=True)),
)

ACCOUNTS = Table(
    "account",
    METADATA,
    Column("name", String(MAXIMUM_LENGTH), primary_key=True),
    Column("role", String(32), nullable=False),
    Column("participant_id", String(MAXIMUM_LENGTH)),
    # As its library hashes it; null where there are only tokens.
    Column("password", Text),
    Column("created_at", UtcDateTime, nullable=False),
    Index("account_of_participant", "participant_id"),
)

TOKENS = Table(
    "token",
    METADATA,
    Column("id", String(32), primary_key=True),
    Column("account", String(MAXIMUM_LENGTH), nullable=False),
    # SHA-256 of what is secret in it.
    Column("digest", String(64), nullable=False),
    Column("label", String(MAXIMUM_LENGTH), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Index("token_of_account", "account"),
)

OWNERS = Table(
    "owner",
    METADATA,
    # A collaboration's or a participant's, which may have several.
    Column("kind", String(32), primary_key=True),
    Column("record_id", String(MAXIMUM_LENGTH), primary_key=True),
    Column("account", String(512), primary_key=True),
    Index("owner_by_account", "account"),
)

CLUSTER = Table("cluster", METADATA, Column("id", String(64), primary_key=True))
"""One row: what tells this record store from others that use the same queue."""
