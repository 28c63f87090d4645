"""A record store with a trained run: fixtures of whoever names them in its conftest."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from shutil import copyfile

import pytest

from fakes.orchestration import CannedDispatcher, Client, declare, go_through_all_stages
from synergos.records import RecordStore
from synergos.rest import create_app


@pytest.fixture(scope="session")
def trained(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The database of :func:`store`; the way to it is as long for every test."""
    path = tmp_path_factory.mktemp("records") / "trained.db"
    copyfile(migrated, path)
    store = RecordStore(f"sqlite:///{path}")
    client = Client(create_app(store, CannedDispatcher(store), component_id="ttp/1").test_client())
    declare(client)
    go_through_all_stages(client)
    store.close()
    return path


@pytest.fixture
def store(trained: Path, tmp_path: Path) -> Iterator[RecordStore]:
    """An aligned project that regresses, with one experiment and one trained run."""
    copyfile(trained, tmp_path / "records.db")
    store = RecordStore(f"sqlite:///{tmp_path / 'records.db'}")
    yield store
    store.close()
