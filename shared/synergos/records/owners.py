"""Whose collaborations and participants are: the accounts that declared them, or were given them."""

from __future__ import annotations

from sqlalchemy import delete, insert, select

from synergos.domain.records import Kind
from synergos.records.store import RecordStore
from synergos.records.tables import OWNERS

HAVE_OWNERS = (Kind.COLLABORATION, Kind.PARTICIPANT)
"""The kinds of record that belong to accounts; everything else belongs to whom that belongs to which it lies in."""


class Owners:
    """The owners in one record store."""

    def __init__(self, store: RecordStore) -> None:
        self._database = store.database

    def of(self, kind: Kind, record_id: str) -> list[str]:
        """The accounts that a record belongs to, by name; none for what was declared where there were no accounts."""
        wanted = select(OWNERS.c.account).where(OWNERS.c.kind == kind.value, OWNERS.c.record_id == record_id)
        with self._database.reading() as connection:
            return sorted(connection.execute(wanted).scalars())

    def owned(self, kind: Kind, account: str) -> list[str]:
        """The ids of the records of a kind that belong to an account, in order."""
        wanted = select(OWNERS.c.record_id).where(OWNERS.c.kind == kind.value, OWNERS.c.account == account)
        with self._database.reading() as connection:
            return sorted(connection.execute(wanted).scalars())

    def owns(self, kind: Kind, record_id: str, account: str) -> bool:
        """Whether a record belongs to an account, perhaps among others."""
        return account in self.of(kind, record_id)

    def give(self, kind: Kind, record_id: str, account: str) -> None:
        """Let a record belong to one account more."""
        with self._database.writing() as connection:
            if not self.owns(kind, record_id, account):
                connection.execute(insert(OWNERS).values(kind=kind.value, record_id=record_id, account=account))

    def take(self, kind: Kind, record_id: str, account: str) -> None:
        """Let a record not belong to an account any more."""
        owner = (OWNERS.c.kind == kind.value, OWNERS.c.record_id == record_id, OWNERS.c.account == account)
        with self._database.writing() as connection:
            connection.execute(delete(OWNERS).where(*owner))

    def make_only(self, kind: Kind, record_id: str, account: str) -> None:
        """Let a record belong to one account, and to no other."""
        with self._database.writing():
            self.release(kind, record_id)
            self.give(kind, record_id, account)

    def release(self, kind: Kind, record_id: str) -> None:
        """Let a record belong to nobody."""
        with self._database.writing() as connection:
            connection.execute(delete(OWNERS).where(OWNERS.c.kind == kind.value, OWNERS.c.record_id == record_id))
