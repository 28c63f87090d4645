"""The portal in front of an orchestrator with accounts: fixtures of whoever names them in its conftest."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from shutil import copyfile

import pytest

from fakes.orchestration import C, CannedDispatcher, Client, declare
from fakes.people import PASSWORD, add_people
from fakes.portal import Portal, Visitor, portal
from synergos.accounts.sign_in import SignIn
from synergos.domain.records import Kind
from synergos.records import RecordStore
from synergos.records.accounts import Accounts
from synergos.records.owners import Owners
from synergos.rest.app import create_app
from synergos_portal.services import Service

SignedIn = Callable[[str], Visitor]


@pytest.fixture(scope="session")
def declared_by_lead(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database in which ``lead`` has declared everything, and all people have accounts."""
    path = tmp_path_factory.mktemp("closed") / "records.db"
    copyfile(migrated, path)
    store = RecordStore(f"sqlite:///{path}")
    declare(Client(create_app(store, CannedDispatcher(store), component_id="ttp/1").test_client()))
    owners = Owners(store)
    owners.give(Kind.COLLABORATION, C, "lead")
    for who, name in (("worker_1", "first"), ("worker_2", "second")):
        owners.give(Kind.PARTICIPANT, who, name)
    add_people(store)
    store.close()
    return path


@pytest.fixture
def closed(declared_by_lead: Path, store: RecordStore, tmp_path: Path) -> Portal:
    """In front of an orchestrator with accounts, of which :func:`signed_in` makes visitors; ``lead`` has declared all of it."""
    assert store.database.file is not None
    with closing(sqlite3.connect(declared_by_lead)) as there, closing(sqlite3.connect(store.database.file)) as here:
        there.backup(here)
    sign_in = SignIn(Accounts(store))
    return portal(tmp_path, create_app(store, CannedDispatcher(store), component_id="ttp/1", sign_in=sign_in))


@pytest.fixture
def signed_in(closed: Portal) -> SignedIn:
    """A browser at view of whoever has an account by that name."""

    def browser(name: str) -> Visitor:
        nav, view = closed.visitor(Service.NAV), closed.visitor()
        assert nav.send("/sign-in", {"name": name, "password": PASSWORD}).status_code == 303
        cookie = nav.client.get_cookie("synergos_portal")
        assert cookie is not None
        view.client.set_cookie("synergos_portal", cookie.value)
        return view

    return browser
