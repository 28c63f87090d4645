"""What the user of a cluster's TTPs may do in a PostgreSQL database, whose tables are the director's.

    python -m synergos.records.grants ROLE [--schema public] | psql …    # as the director's user, after its first start and each upgrade

The director accepts jobs and archives what comes of them. A TTP reads what its jobs are about, writes how far they are, and has
a part in leases, members, removals and catalogues; it adds no job, ends none, and writes no result, account or endorsement.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql

from synergos.domain.job import FINAL_STATES
from synergos.domain.records import Kind
from synergos.records.tables import (
    ACCOUNTS,
    CATALOGUES,
    CHANGES,
    CLUSTER,
    GRID_LEASES,
    JOB_EVENTS,
    JOB_ROUNDS,
    JOBS,
    MEMBERS,
    OWNERS,
    RECORDS,
    REMOVALS,
    SHARES,
    TOKENS,
)

_SCHEMA_VERSION = "alembic_version"
_ENDS_NO_JOB = "synergos_ttp_ends_no_job"
_ALL_OTHERS = "synergos_all_jobs"
_LONGEST = 63
"""Bytes of a name; PostgreSQL forgets what comes behind."""


@dataclass(frozen=True)
class Rights:
    """Of a TTP's user in a table that it may read.

    Attributes:
        insert: the columns that it may give a new row; none for no new rows.
        update: the columns that it may change.
        delete: whether it may remove rows.
    """

    insert: tuple[str, ...] = ()
    update: tuple[str, ...] = ()
    delete: bool = False


READS = Rights()

_LEASED = ("holder", "lease_until", "fence", "lease", "outputs")
_ANSWERED = ("registered", "asked_at", "seen_at", "problem", "content")
_STANDING = ("state", "attempts", "error", "started_at", "finished_at", "grid", "ttp", "not_before", "progress")

TTP_RIGHTS: Mapping[Table, Rights] = {
    **dict.fromkeys(RECORDS.values(), READS),
    # The identity that a node has shown, and how much that makes of a collaboration's share.
    RECORDS[Kind.REGISTRATION]: Rights(update=("payload",)),
    SHARES: Rights(update=("records", "size")),
    JOBS: Rights(update=(*_STANDING, *_LEASED)),
    # What happens to the jobs it runs; nobody takes back what was said.
    JOB_EVENTS: Rights(insert=tuple(JOB_EVENTS.c.keys())),
    JOB_ROUNDS: Rights(insert=tuple(JOB_ROUNDS.c.keys()), update=("at", "train", "evaluate", "participants")),
    # That its jobs are further is told to whoever watches; others of those it may say so of are only looked at again.
    CHANGES: Rights(insert=tuple(CHANGES.c.keys()), update=("number", "is_deleted")),
    # What its workers answer, and that one is registered no more; whose catalogue is wanted, the director says.
    CATALOGUES: Rights(update=_ANSWERED, delete=True),
    GRID_LEASES: Rights(insert=tuple(GRID_LEASES.c.keys()), delete=True),
    # What the director signs is not theirs to write.
    MEMBERS: Rights(insert=("fingerprint", "name")),
    REMOVALS: Rights(update=("tried_at", "reason"), delete=True),
    CLUSTER: READS,
    # To know who asks.
    ACCOUNTS: READS,
    TOKENS: READS,
    OWNERS: READS,
}
"""Of every table that a TTP has anything to do with."""


def ttp_grants(role: str, schema: str = "public") -> list[str]:
    """The statements that give a user what a TTP needs, and take from it what it had besides; by the tables' owner."""
    who, where = _quoted(role), _quoted(schema)
    statements = [
        f"REVOKE ALL ON ALL TABLES IN SCHEMA {where} FROM {who}",
        f"REVOKE CREATE ON SCHEMA {where} FROM {who}",
        f"GRANT USAGE ON SCHEMA {where} TO {who}",
        f"GRANT SELECT ON {where}.{_SCHEMA_VERSION} TO {who}",
    ]
    for table, rights in TTP_RIGHTS.items():
        named = f"{where}.{_quoted(table.name)}"
        statements.append(f"GRANT {', '.join(_words(rights))} ON {named} TO {who}")
    ends_no_job = _quoted(_of_role(_ENDS_NO_JOB, role))
    jobs = f"{where}.{_quoted(JOBS.name)}"
    final = ", ".join(f"'{state}'" for state in sorted(FINAL_STATES))
    return [
        *statements,
        f"ALTER TABLE {jobs} ENABLE ROW LEVEL SECURITY",
        # Of all others it is asked nothing more than before.
        f"DROP POLICY IF EXISTS {_ALL_OTHERS} ON {jobs}",
        f"CREATE POLICY {_ALL_OTHERS} ON {jobs} USING (true) WITH CHECK (true)",
        f"DROP POLICY IF EXISTS {ends_no_job} ON {jobs}",
        f"CREATE POLICY {ends_no_job} ON {jobs} AS RESTRICTIVE FOR UPDATE TO {who}"
        f" USING (state NOT IN ({final})) WITH CHECK (state NOT IN ({final}))",
    ]


def _of_role(policy: str, role: str) -> str:
    """What a policy for one role is called, so that another one's takes nothing from it."""
    name = f"{policy}_{role}"
    return name if len(name.encode()) <= _LONGEST else f"{policy}_{hashlib.sha256(role.encode()).hexdigest()[:32]}"


def _words(rights: Rights) -> list[str]:
    words = ["SELECT"]
    if rights.insert:
        words.append(f"INSERT ({', '.join(map(_quoted, rights.insert))})")
    if rights.update:
        words.append(f"UPDATE ({', '.join(map(_quoted, rights.update))})")
    if rights.delete:
        words.append("DELETE")
    return words


def _quoted(name: str) -> str:
    return str(postgresql.dialect().identifier_preparer.quote_identifier(name))  # type: ignore[no-untyped-call]


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the statements."""
    parser = argparse.ArgumentParser(
        description="Print the SQL that gives a PostgreSQL user what a cluster's TTPs need."
    )
    parser.add_argument("role", help="the TTPs' user, who is there already")
    parser.add_argument("--schema", default="public", help="where the tables are")
    given = parser.parse_args(arguments)
    statements = ["BEGIN", *ttp_grants(given.role, given.schema), "COMMIT"]
    sys.stdout.write("".join(f"{statement};\n" for statement in statements))


if __name__ == "__main__":
    main()
