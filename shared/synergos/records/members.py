"""The identities of a cluster's TTPs, and what its director has signed of each: that it belongs to it."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import insert, select, update

from synergos.records.store import RecordStore
from synergos.records.tables import MEMBERS


class Members:
    """Where a cluster's programs meet; whoever may write to its record store belongs to it."""

    def __init__(self, store: RecordStore) -> None:
        self._database = store.database

    def join(self, fingerprint: str, name: str) -> None:
        """Be a member, so that the director signs it."""
        with self._database.writing() as connection:
            if connection.execute(select(MEMBERS).where(MEMBERS.c.fingerprint == fingerprint)).first() is None:
                connection.execute(insert(MEMBERS).values(fingerprint=fingerprint, name=name[:128]))

    def endorsement(self, fingerprint: str) -> Mapping[str, object] | None:
        """What the director has signed of a member; None where it has not, yet."""
        wanted = select(MEMBERS.c.endorsement).where(MEMBERS.c.fingerprint == fingerprint)
        with self._database.reading() as connection:
            found = connection.execute(wanted).scalar_one_or_none()
        return found if isinstance(found, Mapping) else None

    def all(self) -> dict[str, Mapping[str, object] | None]:
        """What was signed of each, by fingerprint."""
        with self._database.reading() as connection:
            rows = connection.execute(select(MEMBERS.c.fingerprint, MEMBERS.c.endorsement))
            return {row.fingerprint: row.endorsement if isinstance(row.endorsement, Mapping) else None for row in rows}

    def endorse(self, fingerprint: str, endorsement: Mapping[str, object]) -> None:
        """Write down what the director has signed of a member."""
        with self._database.writing() as connection:
            changed = update(MEMBERS).where(MEMBERS.c.fingerprint == fingerprint)
            connection.execute(changed.values(endorsement=dict(endorsement)))
