from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from fakes.orchestration import C, CannedDispatcher, Client, declare
from fakes.people import PASSWORD, add_people
from fakes.portal import Portal, Visitor, portal
from synergos.accounts.sign_in import SignIn
from synergos.domain.records import Kind
from synergos.records import RecordStore
from synergos.records.owners import Owners
from synergos.rest.app import create_app
from synergos_portal.services import Service


@pytest.fixture
def grid(store: RecordStore, tmp_path: Path) -> Portal:
    """The portal in front of a real orchestrator whose jobs end at once."""
    return portal(tmp_path, create_app(store, CannedDispatcher(store), component_id="ttp/1"))


SignedIn = Callable[[str], Visitor]


@pytest.fixture
def closed(store: RecordStore, tmp_path: Path) -> Portal:
    """In front of an orchestrator with accounts, of which :func:`signed_in` makes visitors; ``lead`` has declared all of it."""
    dispatcher = CannedDispatcher(store)
    declare(Client(create_app(store, dispatcher, component_id="ttp/1").test_client()))
    owners = Owners(store)
    owners.give(Kind.COLLABORATION, C, "lead")
    for who, name in (("worker_1", "first"), ("worker_2", "second")):
        owners.give(Kind.PARTICIPANT, who, name)
    return portal(tmp_path, create_app(store, dispatcher, component_id="ttp/1", sign_in=SignIn(add_people(store))))


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
