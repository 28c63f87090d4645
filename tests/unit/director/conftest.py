from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import copyfile

import pytest

from fakes.director_parts import MemoryQueue, declare
from synergos.records import RecordStore
from synergos.records.database import Database
from synergos.records.leases import Leases
from synergos_director.dispatch import QueueDispatcher
from synergos_director.job_publisher import JobPublisher


class Clock:
    """The time, as the database tells it."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 23, tzinfo=UTC)

    def passes(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(Database, "now", lambda _database: clock.now)
    return clock


@pytest.fixture(scope="session")
def declared(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A record store's database with the run that most tests are about; to declare it costs more than they do."""
    path = tmp_path_factory.mktemp("director") / "declared.db"
    copyfile(migrated, path)
    path.chmod(0o600)
    with closing(RecordStore(f"sqlite:///{path}")) as store:
        declare(store)
    return path


@pytest.fixture
def database(declared: Path, tmp_path: Path) -> str:
    path = tmp_path / "records.db"
    copyfile(declared, path)
    path.chmod(0o600)
    return f"sqlite:///{path}"


@pytest.fixture
def leases(store: RecordStore) -> Leases:
    return Leases(store, seconds=10)


@pytest.fixture
def queue() -> MemoryQueue:
    return MemoryQueue()


@pytest.fixture
def publisher(store: RecordStore, queue: MemoryQueue) -> JobPublisher:
    return JobPublisher(store, queue)


@pytest.fixture
def dispatcher(store: RecordStore, leases: Leases, publisher: JobPublisher) -> QueueDispatcher:
    return QueueDispatcher(store, leases, publisher)
