"""A program that takes no requests: its health, and the jobs to read."""

from __future__ import annotations

import pytest

from fakes.orchestration import ALIGNMENTS_URL, MODELS_URL, Client
from fakes.people import add_people, basic
from synergos.accounts.sign_in import SignIn
from synergos.domain.job import Job, Stage
from synergos.domain.keys import job_key
from synergos.errors import NotSupported
from synergos.orchestration.dispatcher import ReadOnlyDispatcher
from synergos.records import RecordStore
from synergos.rest.app import create_status_app

ALIGNMENT = Job(Stage.PREPROCESS, job_key({"collab_id": "c", "project_id": "p"}))


@pytest.fixture
def client(store: RecordStore) -> Client:
    status = {"grid": 1, "is_active": False}
    app = create_status_app(store, component="ttp", component_id="ttp_1", status=lambda: status)
    return Client(app.test_client())


def test_where_there_are_accounts_its_jobs_are_told_to_nobody_else(store: RecordStore) -> None:
    sign_in = SignIn(add_people(store, "looker"))
    app = create_status_app(store, component="ttp", component_id="ttp_1", status=dict, sign_in=sign_in)
    client = Client(app.test_client())

    assert [client.get(url)[0] for url in ("/health", "/ttp/jobs", "/ttp/nodes")] == [200, 401, 401]
    client.http.environ_base["HTTP_AUTHORIZATION"] = basic("looker")
    assert [client.get(url)[0] for url in ("/ttp/jobs", "/ttp/nodes")] == [200, 403]


def test_health_says_how_the_program_stands(client: Client) -> None:
    status, answer = client.get("/health")
    assert status == 200
    assert answer.pop("version")
    assert answer.pop("time")
    assert answer.pop("accounts").startswith("off: whoever reaches this port may read")
    assert answer == {
        "status": "ok",
        "component": "ttp",
        "id": "ttp_1",
        "grid": 1,
        "is_active": False,
        "grid_kind": "cluster",
    }


def test_health_says_what_keeps_the_program_from_its_work(store: RecordStore) -> None:
    problems = {"outputs": "its disk is full", "record store": "does not answer: OperationalError"}
    app = create_status_app(
        store, component="ttp", component_id="ttp_1", status=lambda: {"grid": 1}, problems=lambda: problems
    )
    status, answer = Client(app.test_client()).get("/health")
    assert (status, answer["status"], answer["problems"]) == (503, "degraded", problems)
    assert (answer["component"], answer["id"], answer["grid"]) == ("ttp", "ttp_1", 1)


def test_jobs_can_be_read(client: Client, store: RecordStore) -> None:
    store.add_jobs([ALIGNMENT])
    assert [job["id"] for job in client.data("GET", "/ttp/jobs?stage=preprocess")] == [ALIGNMENT.id]
    assert client.data("GET", f"/ttp/jobs/{ALIGNMENT.id}")["state"] == "queued"
    assert client.get("/ttp/jobs/other")[0] == 404


@pytest.mark.parametrize(
    "url", [ALIGNMENTS_URL, MODELS_URL, f"/ttp/jobs/{ALIGNMENT.id}/cancel"], ids=["align", "train", "cancel"]
)
def test_nothing_can_be_asked_for(client: Client, store: RecordStore, url: str) -> None:
    store.add_jobs([ALIGNMENT])
    assert client.post(url, {})[0] == 404
    assert store.jobs() == [ALIGNMENT]


def test_the_documentation_names_reading_alone(client: Client) -> None:
    paths = client.http.get("/ttp/swagger.json").get_json()["paths"]
    assert paths.keys() >= {"/jobs", "/jobs/{job_id}", "/nodes", "/changes"}
    assert {method for methods in paths.values() for method in methods} - {"parameters"} == {"get"}


def test_whoever_asks_all_the_same_is_sent_to_the_director() -> None:
    dispatcher = ReadOnlyDispatcher()
    assert dispatcher.waits() == {}
    with pytest.raises(NotSupported, match="director"):
        dispatcher.submit([ALIGNMENT])
    with pytest.raises(NotSupported, match="director"):
        dispatcher.cancel(ALIGNMENT.id)
