"""A real MLflow server on PostgreSQL that asks for a password, and a tracker that writes to it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from factories.exported_runs import write_model
from servers.mlflow_server import tracking_server
from servers.postgresql import PostgreSQL
from support.tracked_trainings import AUTH, LOGIN
from synergos_ttp.tracking.mlflow_store import MlflowStore
from synergos_ttp.tracking.mlflow_tracker import MlflowTracker
from synergos_ttp.tracking.note_spool import NoteSpool


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mlops")


@pytest.fixture(scope="module")
def address(home: Path, postgresql: PostgreSQL) -> Iterator[str]:
    settings = AUTH | {"MLFLOW_BACKEND_STORE_URI": postgresql.new_database()}
    with pytest.MonkeyPatch.context() as changed, tracking_server(home, settings=settings) as port:
        # For this process, in which the tests look at what is there.
        for name, value in LOGIN.environment.items():
            changed.setenv(name, value)
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def client(address: str) -> Any:
    from mlflow.tracking import MlflowClient

    return MlflowClient(address, address)


@pytest.fixture
def exports(tmp_path: Path) -> Path:
    return write_model(tmp_path / "outputs")


@pytest.fixture
def tracker(tmp_path: Path) -> Iterator[MlflowTracker]:
    # In this process, which does not start another one for each test.
    tracker = MlflowTracker(
        NoteSpool(tmp_path / "spool"), MlflowStore(tmp_path / "mlflow"), interval=0.01, deadline=300
    )
    tracker.start()
    yield tracker
    tracker.close()
