"""A program that takes no requests: its health, and the jobs to read."""

from __future__ import annotations

import pytest

from fakes.orchestration import ALIGNMENTS_URL, MODELS_URL, Client
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


def test_health_says_how_the_program_stands(client: Client) -> None:
    status, answer = client.get("/health")
    assert status == 200
    assert answer.pop("version")
    assert answer.pop("time")
    assert answer == {"status": "ok", "component": "ttp", "id": "ttp_1", "grid": 1, "is_active": False}


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
    assert {path: sorted(set(methods) - {"parameters"}) for path, methods in paths.items()} == {
        "/jobs": ["get"],
        "/jobs/{job_id}": ["get"],
        "/nodes": ["get"],
    }


def test_whoever_asks_all_the_same_is_sent_to_the_director() -> None:
    dispatcher = ReadOnlyDispatcher()
    assert dispatcher.waits() == {}
    with pytest.raises(NotSupported, match="director"):
        dispatcher.submit([ALIGNMENT])
    with pytest.raises(NotSupported, match="director"):
        dispatcher.cancel(ALIGNMENT.id)
