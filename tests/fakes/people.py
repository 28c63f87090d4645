"""People with accounts at an orchestrator's app, and what each of them asks with."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from functools import cache
from typing import Protocol

from argon2 import PasswordHasher

from fakes.orchestration import Client
from synergos.accounts import passwords
from synergos.domain.roles import Role
from synergos.records import RecordStore
from synergos.records.accounts import Account, Accounts

PASSWORD = "correct horse battery staple"
PEOPLE: Mapping[str, tuple[Role, str | None]] = {
    "lead": (Role.ORCHESTRATOR, None),
    "rival": (Role.ORCHESTRATOR, None),
    "first": (Role.PARTICIPANT, "worker_1"),
    "second": (Role.PARTICIPANT, "worker_2"),
    "outsider": (Role.PARTICIPANT, "worker_9"),
    "looker": (Role.VIEWER, None),
}
"""By the name of the account: two that orchestrate, participants two of whom take part, and one who looks on."""


class As(Protocol):
    """Makes a client of an account, by its name or by what it says itself."""

    def __call__(self, name: str, authorization: str | None = None, /) -> Client: ...


@cache
def _hashed(hasher: PasswordHasher) -> str:
    # By the one that is used now: what another has made is hashed anew when somebody signs in.
    return hasher.hash(PASSWORD)


def add_people(store: RecordStore, *names: str) -> Accounts:
    """Give these accounts, or all of them."""
    accounts = Accounts(store)
    for name in names or PEOPLE:
        role, participant = PEOPLE[name]
        accounts.add(Account(name, role, participant, _hashed(passwords._HASHER)))
    return accounts


def basic(name: str, password: str = PASSWORD) -> str:
    """The ``Authorization`` of somebody who says name and password."""
    return f"Basic {b64encode(f'{name}:{password}'.encode()).decode()}"
