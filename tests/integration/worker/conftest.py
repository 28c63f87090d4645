from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from factories.worker_data import wine, write_frame
from fakes.clock import Clock
from fakes.worker_client import HeldExecutor, WorkerClient
from synergos_worker.bootstrap import WorkerService, build_worker
from synergos_worker.disclosure.policy import OPEN
from synergos_worker.policy.limits import UNLIMITED
from synergos_worker.settings import Settings


@pytest.fixture
def clock() -> Clock:
    return Clock(0.0)


@pytest.fixture
def compute() -> HeldExecutor:
    return HeldExecutor()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    frame = wine()
    write_frame(tmp_path / "data", ["wine", "train"], frame[:100])
    write_frame(tmp_path / "data", ["wine", "evaluate"], frame[100:140])
    write_frame(tmp_path / "data", ["wine", "new"], frame[140:].drop(columns="target"))
    return tmp_path / "data"


@pytest.fixture
def service(data: Path, compute: HeldExecutor, clock: Clock) -> Iterator[WorkerService]:
    settings = Settings(
        data, data.parent / "outputs", session_timeout=600, maximum_body=100_000, policy=OPEN, limits=UNLIMITED
    )
    service = build_worker(settings, compute=compute, clock=clock)
    yield service
    service.close()


@pytest.fixture
def client(service: WorkerService) -> WorkerClient:
    return WorkerClient(service)
