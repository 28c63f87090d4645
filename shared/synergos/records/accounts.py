"""Accounts and their tokens, as rows; of a password there is what its library makes of it, of a token the digest of its secret."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import delete, exists, insert, select, update

from synergos.domain.identifiers import MAXIMUM_LENGTH, check_new_identifier, check_told_apart
from synergos.domain.roles import Role
from synergos.errors import InvalidRequest, RecordNotFound
from synergos.records.store import RecordStore
from synergos.records.tables import ACCOUNTS, OWNERS, TOKENS

MOST_TOKENS = 100
"""Of one account; the one that expires first gives way to a new one beyond that."""


@dataclass(frozen=True)
class Account:
    """Somebody an orchestrator knows.

    Attributes:
        participant: which participant it is; None for who is none.
        password: what its library makes of it; None for an account that has tokens alone.
    """

    name: str
    role: Role
    participant: str | None = None
    password: str | None = None

    def __repr__(self) -> str:
        return f"Account({self.name!r}, {self.role})"


@dataclass(frozen=True)
class Token:
    """What an account signs in with for a while.

    Attributes:
        digest: SHA-256 of its secret, in hexadecimal digits.
        label: what it is for, in its account's words.
    """

    id: str
    account: str
    digest: str
    label: str
    created_at: datetime
    expires_at: datetime

    def __repr__(self) -> str:
        return f"Token({self.id!r} of {self.account!r})"


class Accounts:
    """The accounts of one record store."""

    def __init__(self, store: RecordStore) -> None:
        self._database = store.database

    def add(self, account: Account) -> None:
        """Store a new one.

        Raises:
            InvalidRequest: it cannot be called so, or another one is; or it is a participant's and does not say whose.
        """
        _check(account)
        with self._database.writing() as connection:
            names = list(connection.execute(select(ACCOUNTS.c.name)).scalars())
            if account.name in names:
                raise InvalidRequest("there is an account of this name", "name")
            check_told_apart(account.name, names, "name")
            connection.execute(
                insert(ACCOUNTS).values(
                    name=account.name,
                    role=account.role.value,
                    participant_id=account.participant,
                    password=account.password,
                    created_at=datetime.now(UTC),
                )
            )

    def find(self, name: str) -> Account | None:
        """The account of a name; None where there is none."""
        if len(name) > MAXIMUM_LENGTH or "\0" in name:
            # Not every database takes it for a question.
            return None
        with self._database.reading() as connection:
            row = connection.execute(select(ACCOUNTS).where(ACCOUNTS.c.name == name)).one_or_none()
        return None if row is None else Account(row.name, Role(row.role), row.participant_id, row.password)

    def get(self, name: str) -> Account:
        """The account of a name.

        Raises:
            RecordNotFound: there is none.
        """
        if (found := self.find(name)) is None:
            raise RecordNotFound(
                f"there is no account {name[:80]!r}; `synergos account list` has those there are", "name"
            )
        return found

    def all(self) -> list[Account]:
        """All there are, by name."""
        with self._database.reading() as connection:
            rows = connection.execute(select(ACCOUNTS).order_by(ACCOUNTS.c.name))
            return [Account(row.name, Role(row.role), row.participant_id, row.password) for row in rows]

    def are_there(self) -> bool:
        """Whether there is any."""
        with self._database.reading() as connection:
            return bool(connection.execute(select(exists().select_from(ACCOUNTS))).scalar_one())

    def is_bound(self, participant_id: str) -> bool:
        """Whether a participant has an account of its own."""
        bound = exists().where(ACCOUNTS.c.participant_id == participant_id)
        with self._database.reading() as connection:
            return bool(connection.execute(select(bound)).scalar_one())

    def bound(self) -> set[str]:
        """The participants that have an account of their own."""
        wanted = select(ACCOUNTS.c.participant_id).where(ACCOUNTS.c.participant_id.is_not(None))
        with self._database.reading() as connection:
            return set(connection.execute(wanted).scalars())

    def set_password(self, name: str, password: str) -> None:
        """Give an account another password; its tokens end with the one before.

        Args:
            password: what its library makes of it.

        Raises:
            RecordNotFound: there is no such account.
        """
        with self._database.writing() as connection:
            self.get(name)
            connection.execute(update(ACCOUNTS).where(ACCOUNTS.c.name == name).values(password=password))
            connection.execute(delete(TOKENS).where(TOKENS.c.account == name))

    def replace_password(self, name: str, before: str, password: str) -> bool:
        """Keep the same password as its library makes of it by now; its tokens stay.

        Returns:
            Whether it was what it was read as; else nothing is changed: somebody has given it another, or removed the account.
        """
        unchanged = (ACCOUNTS.c.name == name) & (ACCOUNTS.c.password == before)
        with self._database.writing() as connection:
            return connection.execute(update(ACCOUNTS).where(unchanged).values(password=password)).rowcount == 1

    def remove(self, name: str) -> None:
        """Remove an account with its tokens; what it has declared belongs to nobody from now on.

        Raises:
            RecordNotFound: there is no such account.
        """
        with self._database.writing() as connection:
            self.get(name)
            connection.execute(delete(TOKENS).where(TOKENS.c.account == name))
            connection.execute(delete(OWNERS).where(OWNERS.c.account == name))
            connection.execute(delete(ACCOUNTS).where(ACCOUNTS.c.name == name))

    # Tokens

    def add_token(self, token: Token) -> None:
        """Store a new one; those that have expired go.

        Raises:
            RecordNotFound: there is no such account.
        """
        with self._database.writing() as connection:
            self.get(token.account)
            connection.execute(delete(TOKENS).where(TOKENS.c.expires_at < datetime.now(UTC)))
            others = self.tokens(token.account)
            if len(others) >= MOST_TOKENS:
                first = min(others, key=lambda other: other.expires_at)
                connection.execute(delete(TOKENS).where(TOKENS.c.id == first.id))
            connection.execute(insert(TOKENS).values(**vars(token)))

    def find_token(self, token_id: str) -> Token | None:
        """The token of an id, be it that it has expired; None where there is none."""
        with self._database.reading() as connection:
            row = connection.execute(select(TOKENS).where(TOKENS.c.id == token_id)).mappings().one_or_none()
        return None if row is None else Token(**row)

    def tokens(self, account: str | None = None) -> Sequence[Token]:
        """Those of an account, or of all, oldest first."""
        wanted = select(TOKENS).order_by(TOKENS.c.created_at)
        if account is not None:
            wanted = wanted.where(TOKENS.c.account == account)
        with self._database.reading() as connection:
            return [Token(**row) for row in connection.execute(wanted).mappings()]

    def revoke(self, token_id: str, account: str | None = None) -> Token:
        """End a token at once; as it was.

        Args:
            account: whose it has to be; None where it may be anybody's.

        Raises:
            RecordNotFound: there is no such token.
        """
        with self._database.writing() as connection:
            found = self.find_token(token_id)
            if found is None or account not in (None, found.account):
                raise RecordNotFound(f"there is no token {token_id[:80]!r}", "token_id")
            connection.execute(delete(TOKENS).where(TOKENS.c.id == token_id))
        return found


def _check(account: Account) -> None:
    check_new_identifier(account.name, "name")
    if ":" in account.name:
        # Basic authentication takes what comes before the first one for the name.
        raise InvalidRequest(f"{account.name!r} has a colon, which no account can be called with", "name")
    if (account.role is Role.PARTICIPANT) is not (account.participant is not None):
        expected = "whose account it is" if account.role is Role.PARTICIPANT else f"nothing: the role is {account.role}"
        raise InvalidRequest(f"expected {expected}", "participant")
    if account.participant is not None:
        check_new_identifier(account.participant, "participant")
