"""Whatever is sent to a worker, the answer is a JSON object, none of it a mistake of ours, and it works afterwards."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.test import Client

from factories.worker_data import wine, write_frame
from fakes.worker_client import RUN, SESSION, Agreement, HeldExecutor, WorkerClient, blob_of, message_in
from support.corruption import corrupted
from support.hostile_requests import Documents, Request, assert_answered, examples
from synergos_worker.bootstrap import WorkerService, build_worker
from synergos_worker.disclosure.policy import OPEN
from synergos_worker.policy.limits import UNLIMITED
from synergos_worker.settings import Settings

TAGS = {"train": [["wine", "train"]], "evaluate": [["wine", "evaluate"]]}
IDS = {"collab_id": "c", "project_id": "p1", "expt_id": "e1", "run_id": "r1"}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkerService]:
    folder = tmp_path_factory.mktemp("worker")
    frame = wine()
    write_frame(folder / "data", ["wine", "train"], frame[:60])
    write_frame(folder / "data", ["wine", "evaluate"], frame[60:100])
    service = build_worker(
        Settings(
            folder / "data", folder / "outputs", maximum_body=100_000, preparations=20, policy=OPEN, limits=UNLIMITED
        ),
        compute=HeldExecutor(),
    )
    yield service
    service.close()


@pytest.fixture(scope="module")
def client(service: WorkerService) -> WorkerClient:
    return WorkerClient(service)


@pytest.fixture(scope="module")
def documents(service: WorkerService) -> Documents:
    return Documents(service.command_app, ("/worker/swagger.json",), IDS)


@pytest.fixture(scope="module")
def agreement(client: WorkerClient) -> Agreement:
    return client.agree(TAGS)


@pytest.fixture(scope="module")
def bodies(agreement: Agreement) -> dict[str, dict[str, Any]]:
    """By route: a body that is as it should be."""
    session = {"id": "participant_1", "session_id": SESSION, "architecture": agreement.layers()}
    return {
        "poll/c/p1": {"action": "classify", "tags": TAGS},
        "align/c/p1": agreement.body(),
        "initialise/c/p1/e1/r1": {
            **agreement.body(),
            **session,
            "hyperparameters": RUN,
            "metas": ["train", "evaluate"],
        },
        "predict/c/p1/e1/r1": {"session_id": SESSION, "metas": ["evaluate"], "wait": 1},
        "terminate/c/p1/e1/r1": {"session_id": SESSION},
    }


def assert_works(client: WorkerClient, agreement: Agreement) -> None:
    """Data is prepared; a session is opened, trains a round, predicts and is ended."""
    client.terminate()
    http = client.service.command_app.test_client()
    asked = http.post("/worker/poll/c/p1", json={"action": "classify", "tags": TAGS}).get_json()["data"]
    prepared = http.get(f"/worker/poll/c/p1?preparation={asked['preparation']}&wait=30").get_json()["data"]
    assert prepared["state"] == "completed"
    client.command("POST", "/worker/align/c/p1", 200, agreement.body())
    client.initialise(agreement)
    weights = agreement.weights()
    trained, _ = message_in(client.data("PUT", "rounds/0", blob_of(weights)), weights)
    assert not torch.equal(next(iter(trained.values())), next(iter(weights.values())))
    assert client.data("PUT", "model", blob_of(trained)).status_code == 200
    assert client.predict("evaluate")["data"]["results"]["evaluate"]["statistics"]["accuracy"]
    client.terminate()
    assert client.command("GET", "/health", 200)["sessions"] == 0


def test_the_document_is_valid_and_describes_all_bodies(documents: Documents) -> None:
    [schema] = documents.schemas

    schema.validate()

    for operation in documents.operations(schema):
        assert bool(operation.body) is (operation.method == "post")


@pytest.mark.parametrize("number", [60])
def test_no_sequence_of_requests_breaks_a_worker(
    client: WorkerClient, documents: Documents, agreement: Agreement, number: int
) -> None:
    @examples(number)
    @given(st.lists(documents.requests(), min_size=1, max_size=10))
    def check(cases: list[Request]) -> None:
        for case in cases:
            assert_answered(case, client.service.command_app)

    check()
    assert_works(client, agreement)


@pytest.mark.parametrize("number", [500])
def test_no_corrupted_body_breaks_a_worker(
    client: WorkerClient, bodies: dict[str, dict[str, Any]], agreement: Agreement, number: int
) -> None:
    http = client.service.command_app.test_client()
    requests = st.sampled_from(sorted(bodies)).flatmap(
        lambda route: st.tuples(st.just(route), corrupted(bodies[route]))
    )

    @examples(number)
    @given(requests)
    def check(request: tuple[str, Any]) -> None:
        route, body = request
        response = http.post(f"/worker/{route}", json=body)
        assert response.status_code < 500, response.get_data(as_text=True)
        assert response.get_json()["status"] == response.status_code

    check()
    assert_works(client, agreement)


@st.composite
def data_requests(draw: st.DrawFn, message: bytes) -> dict[str, Any]:
    """What may come in on the data port, as arguments of a test client."""
    blob = draw(st.sampled_from([b"", message, message[:-4], message + b"1234"]) | st.binary(max_size=64))
    session = draw(st.sampled_from([SESSION, SESSION, SESSION, "0" * 32, "x"]))
    number = draw(st.integers(0, 3) | st.integers(2**31 - 1, 2**130))
    address = draw(st.sampled_from([f"rounds/{number}", f"evaluations/{number}", "model", "rounds/-1", "rounds"]))
    length = draw(st.sampled_from([len(blob), len(blob) + 8, 2**62, "many", None]))
    headers = {"Prefer": draw(st.sampled_from(["wait=0", "wait=1e9", "wait=-1", "wait=" + "9" * 30, "", "\xe9;,="]))}
    if length is not None:
        headers["Content-Length"] = str(length)
    return {
        "path": f"/sessions/{session}/{address}",
        "method": draw(st.sampled_from(["PUT", "PUT", "PUT", "GET", "POST", "DELETE", "OPTIONS"])),
        "input_stream": io.BytesIO(blob),
        "headers": headers,
    }


@pytest.mark.parametrize("number", [200])
def test_nothing_on_the_data_port_breaks_a_worker(client: WorkerClient, agreement: Agreement, number: int) -> None:
    client.terminate()
    client.initialise(agreement)
    http = Client(client.service.data_app)

    @examples(number)
    @given(data_requests(blob_of(agreement.weights())))
    def check(request: dict[str, Any]) -> None:
        response = http.open(**request)
        assert response.status_code < 500, response.get_data(as_text=True)
        if response.mimetype == "application/octet-stream":
            message_in(response, agreement.weights())
        else:
            assert isinstance(response.get_json(), dict)

    check()
    assert_works(client, agreement)
