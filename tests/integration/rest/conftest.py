from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.orchestration import RUN, C, CannedDispatcher, Client, declare, go_through_all_stages
from fakes.people import As, add_people, basic
from synergos.accounts.sign_in import SignIn
from synergos.domain.job import Job, JobState, Stage
from synergos.domain.keys import ExperimentKey
from synergos.domain.records import Kind
from synergos.records import RecordStore
from synergos.records.owners import Owners
from synergos.rest import create_app


def _client(store: RecordStore, dispatcher: CannedDispatcher) -> Client:
    app = create_app(
        store,
        dispatcher,
        component_id="ttp/1",
        maximum_body=200_000,
    )
    return Client(app.test_client())


@pytest.fixture(scope="session")
def snapshots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Databases with nothing in them, when all is declared, and when every stage has run: made once, copied often."""
    folder = tmp_path_factory.mktemp("snapshots")
    for name in ("empty", "declared", "finished"):
        store = RecordStore(f"sqlite:///{folder / name}")
        client = _client(store, CannedDispatcher(store))
        if name != "empty":
            declare(client)
        if name == "finished":
            go_through_all_stages(client)
        store.close()
    return folder


@pytest.fixture
def store(request: pytest.FixtureRequest, tmp_path: Path, snapshots: Path) -> Iterator[RecordStore]:
    path = tmp_path / "database.db"
    shutil.copy(
        snapshots / next((name for name in ("finished", "declared") if name in request.fixturenames), "empty"), path
    )
    store = RecordStore(f"sqlite:///{path}")
    yield store
    store.close()


@pytest.fixture
def dispatcher(store: RecordStore) -> CannedDispatcher:
    return CannedDispatcher(store)


@pytest.fixture
def client(store: RecordStore, dispatcher: CannedDispatcher) -> Client:
    return _client(store, dispatcher)


@pytest.fixture
def declared(client: Client) -> Client:
    """A client of a grid in which everything is declared and nothing has run."""
    return client


@pytest.fixture
def finished(client: Client) -> Client:
    """A client of a grid in which every stage has run."""
    return client


@pytest.fixture
def as_(store: RecordStore, dispatcher: CannedDispatcher) -> As:
    """A client for each account; with an empty name one that says nothing."""
    accounts = add_people(store)
    app = create_app(
        store, dispatcher, component_id="ttp/1", sign_in=SignIn(accounts), metrics=lambda _: (b"", "text/plain")
    )

    def client(name: str, authorization: str | None = None) -> Client:
        http = app.test_client()
        if name or authorization:
            http.environ_base["HTTP_AUTHORIZATION"] = authorization or basic(name)
        return Client(http)

    return client


@pytest.fixture
def owned(as_: As, store: RecordStore) -> As:
    """All is declared, and has run: the collaboration is ``lead``'s, and each participant its own account's."""
    owners = Owners(store)
    owners.give(Kind.COLLABORATION, C, "lead")
    owners.give(Kind.PARTICIPANT, "worker_1", "first")
    owners.give(Kind.PARTICIPANT, "worker_2", "second")
    return as_


@pytest.fixture
def jobs(store: RecordStore) -> list[Job]:
    """Seven jobs in the order they were accepted, of which the odd ones have failed."""
    made = [Job(Stage.TRAIN, ExperimentKey.of(RUN).run_called(f"r{number}")) for number in range(7)]
    store.add_jobs(made)
    for job in made[1::2]:
        store.save_job(job.ended(JobState.FAILED))
    return made
