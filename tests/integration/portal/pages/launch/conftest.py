"""Record stores with something in them: each is made once, and every test has a copy of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from shutil import copyfile

import pytest

from factories.full_store import SMALL, fill
from fakes.orchestration import CannedDispatcher, Client, declare, go_through_all_stages
from fakes.portal import Portal, portal
from synergos.records import RecordStore
from synergos.rest.app import create_app


def _made(folder: Path, make: Callable[[RecordStore], object]) -> Path:
    store = RecordStore(f"sqlite:///{folder / 'records.db'}")
    make(store)
    store.close()
    return folder


def _declare(store: RecordStore) -> Client:
    client = Client(create_app(store, CannedDispatcher(store), component_id="ttp/1").test_client())
    declare(client)
    return client


@pytest.fixture(scope="session")
def declared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _made(tmp_path_factory.mktemp("declared"), _declare)


@pytest.fixture(scope="session")
def aligned_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _made(tmp_path_factory.mktemp("aligned"), lambda store: go_through_all_stages(_declare(store)))


@pytest.fixture(scope="session")
def filled_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With the outputs of its runs beside it."""
    folder = tmp_path_factory.mktemp("filled")
    return _made(folder, lambda store: fill(store, SMALL, folder / "outputs"))


@pytest.fixture
def declared(declared_folder: Path, tmp_path: Path) -> str:
    """The URL of a store in which everything is declared, and nothing done."""
    return _copied(declared_folder, tmp_path)


@pytest.fixture
def aligned(aligned_folder: Path, tmp_path: Path) -> str:
    """The URL of a store in which a run has been through all stages."""
    return _copied(aligned_folder, tmp_path)


@pytest.fixture
def filled(filled_folder: Path, tmp_path: Path) -> str:
    """The URL of a store with ten trained runs."""
    return _copied(filled_folder, tmp_path)


def _copied(folder: Path, to: Path) -> str:
    copyfile(folder / "records.db", to / "records.db")
    (to / "records.db").chmod(0o600)
    return f"sqlite:///{to / 'records.db'}"


@pytest.fixture
def store(filled: str) -> Iterator[RecordStore]:
    """A full one, where a test's own file has no other."""
    store = RecordStore(filled)
    yield store
    store.close()


@pytest.fixture
def grid(store: RecordStore, filled_folder: Path, tmp_path: Path) -> Portal:
    """A portal in front of it."""
    app = create_app(store, CannedDispatcher(store), component_id="ttp/1", outputs=filled_folder / "outputs")
    return portal(tmp_path, app)
