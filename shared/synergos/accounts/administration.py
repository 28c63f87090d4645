"""What whoever runs an orchestrator does with its accounts: on its record store, be the program running or not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from synergos.accounts import passwords, tokens
from synergos.domain.identifiers import check_identifier
from synergos.domain.records import Kind
from synergos.domain.roles import Role
from synergos.errors import InvalidRequest, RecordNotFound
from synergos.records.accounts import Account, Accounts, Token
from synergos.records.owners import Owners
from synergos.records.store import RecordStore
from synergos.upkeep.places import database_of, place_of

__all__ = ["Administration", "Listed", "Token", "administration"]


@dataclass(frozen=True)
class Listed:
    """An account, as a list shows it.

    Attributes:
        collaborations: that belong to it.
        tokens: how many it has that have not expired.
    """

    name: str
    role: str
    participant: str | None
    has_password: bool
    tokens: int
    collaborations: tuple[str, ...]


class Administration:
    """The accounts of one record store, for whoever may open it."""

    def __init__(self, store: RecordStore) -> None:
        self._store = store
        self._accounts = Accounts(store)
        self._owners = Owners(store)

    def add(self, name: str, role: str, participant: str | None, password: str | None) -> Listed:
        """Make an account; without a password it has tokens alone.

        Raises:
            InvalidRequest: it cannot be called so, have that role, or that password; or there is one of that name.
        """
        if role not in set(Role):
            raise InvalidRequest(f"expected one of {', '.join(Role)}, got {role!r}", "role")
        kept = None if password is None else passwords.hashed(passwords.check_new(password, name))
        self._accounts.add(Account(name, Role(role), participant, kept))
        return self._listed(self._accounts.get(name))

    def all(self) -> list[Listed]:
        """All accounts, by name."""
        return [self._listed(account) for account in self._accounts.all()]

    def remove(self, name: str) -> Listed:
        """Remove an account with its tokens; as it was. What belongs to it belongs to nobody from then on.

        Raises:
            RecordNotFound: there is none of that name.
        """
        with self._store.transaction():
            listed = self._listed(self._accounts.get(name))
            self._accounts.remove(name)
        return listed

    def set_password(self, name: str, password: str) -> Listed:
        """Give an account another password; its tokens end.

        Raises:
            RecordNotFound: there is none of that name.
            InvalidRequest: it cannot have that password.
        """
        self._accounts.get(name)
        self._accounts.set_password(name, passwords.hashed(passwords.check_new(password, name)))
        return self._listed(self._accounts.get(name))

    def give(self, name: str, collab_id: str) -> Listed:
        """Let a collaboration belong to an account too.

        Raises:
            RecordNotFound: there is no such account, or no such collaboration.
            InvalidRequest: the account does not orchestrate.
        """
        account = self._somebody(name)
        if account.role is not Role.ORCHESTRATOR:
            raise InvalidRequest(f"expected an account of the role {Role.ORCHESTRATOR}, not {account.role}", "name")
        self._store.get(Kind.COLLABORATION, {"collab_id": check_identifier(collab_id, "collab_id")})
        self._owners.give(Kind.COLLABORATION, collab_id, name)
        return self._listed(account)

    def take(self, name: str, collab_id: str) -> Listed:
        """Let a collaboration not belong to an account any more.

        Raises:
            RecordNotFound: there is no such account, or it does not belong to it.
        """
        account = self._somebody(name)
        if not self._owners.owns(Kind.COLLABORATION, collab_id, name):
            raise RecordNotFound(f"no collaboration {collab_id!r} belongs to {name}", "collab_id")
        self._owners.take(Kind.COLLABORATION, collab_id, name)
        return self._listed(account)

    def add_token(self, name: str, life: timedelta, label: str) -> tuple[Token, str]:
        """A token for an account, and its text, which nobody is told again.

        Raises:
            RecordNotFound: there is no such account.
            InvalidRequest: nobody may have one for so long.
        """
        token, text = tokens.made(name, life, label)
        self._accounts.add_token(token)
        return token, text

    def tokens(self, name: str | None) -> list[Token]:
        """Those of an account, or of all, that have not expired.

        Raises:
            RecordNotFound: there is no such account.
        """
        if name is not None:
            self._accounts.get(name)
        return [token for token in self._accounts.tokens(name) if not tokens.has_expired(token)]

    def revoke(self, token_id: str) -> Token:
        """End a token at once; as it was.

        Raises:
            RecordNotFound: there is none of that id.
        """
        return self._accounts.revoke(token_id)

    def _somebody(self, name: str) -> Account:
        """An account here, or somebody whom an issuer vouches for: ``issuer/subject``.

        Raises:
            RecordNotFound: there is no such account.
        """
        return Account(name, Role.ORCHESTRATOR) if "/" in name else self._accounts.get(name)

    def _listed(self, account: Account) -> Listed:
        return Listed(
            account.name,
            account.role.value,
            account.participant,
            account.password is not None,
            len(self.tokens(account.name)),
            tuple(self._owners.owned(Kind.COLLABORATION, account.name)),
        )


@contextmanager
def administration(data: Path | None, database: str | None, *, make: bool = False) -> Iterator[Administration]:
    """The accounts of the record store that flags name.

    Args:
        make: make the store where there is none yet: the first account may come before the first start.

    Raises:
        RecordNotFound: there is none.
        Conflict: it is one of another release.
    """
    try:
        place_of(data, database, None, None).records.refuse_strange()
    except RecordNotFound:
        if not make:
            raise
    with closing(RecordStore(database_of(data, database))) as store:
        yield Administration(store)
