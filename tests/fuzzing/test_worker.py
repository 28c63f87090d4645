"""What comes to a worker on both of its ports and is nearly right: none of it is our mistake, and the worker works afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import pytest
from werkzeug.test import Client

from factories.worker_data import wine, write_frame
from fakes.worker_client import Agreement, HeldExecutor, WorkerClient, blob_of, message_in
from support.corpus import corpus, nearly_right, requests
from support.mutations import nearly
from support.soon import soon
from synergos_worker.bootstrap import WorkerService, build_worker
from synergos_worker.disclosure.policy import OPEN
from synergos_worker.policy.limits import UNLIMITED
from synergos_worker.settings import Settings

COMMANDS, MESSAGES = 600, 1500
COLUMNS = ["alcohol", "malic_acid", "target"]
TAGS = {"train": [["wine", "train"]], "evaluate": [["wine", "evaluate"]]}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkerService]:
    folder = tmp_path_factory.mktemp("worker")
    frame = wine()[COLUMNS]
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


@pytest.fixture(scope="module", autouse=True)
def agreement(client: WorkerClient) -> Agreement:
    return client.agree(TAGS)


def assert_works(client: WorkerClient, agreement: Agreement) -> None:
    """A session is opened, trains a round and ends."""
    client.terminate(session_id=client.session_id)
    client.initialise(agreement)
    weights = agreement.weights()
    message_in(client.data("PUT", "rounds/0", blob_of(weights)), weights)
    client.terminate(session_id=client.session_id)
    assert client.command("GET", "/health", 200)["sessions"] == 0


def test_the_corpus_is_taken(client: WorkerClient) -> None:
    http = Client(client.service.command_app)
    statuses = {
        asked.path: http.open(asked.path, method=asked.method, data=asked.body, content_type=asked.content).status_code
        for asked in requests("worker")
    }

    # The preparation it asks after has another number each time, and a model is not put into the session here.
    assert {path: status for path, status in statuses.items() if status not in {200, 201, 202}} == {
        "/worker/poll/c/p1?preparation=0&wait=0": 404,
        "/worker/predict/c/p1/e1/r1": 409,
    }


def test_no_command_is_our_mistake(client: WorkerClient, agreement: Agreement) -> None:
    http = Client(client.service.command_app)
    opened = 0
    for number, asked in enumerate(nearly_right("worker", "worker", COMMANDS)):
        with soon(asked):
            answer = http.open(asked.path, method=asked.method, data=asked.body, content_type=asked.content or None)
        assert answer.status_code < 500, (number, asked, answer.data)
        assert answer.mimetype == "application/json" or not answer.data, (number, asked)
        opened += answer.status_code == 201
    assert opened > 0
    assert_works(client, agreement)


def test_no_message_with_weights_is_our_mistake(client: WorkerClient, agreement: Agreement) -> None:
    client.terminate(session_id=client.session_id)
    client.initialise(agreement)
    http, random = Client(client.service.data_app), Random("weights")
    taken = 0
    for number, message in enumerate(nearly(list(corpus("weights").values()), "weights", MESSAGES)):
        place = random.choice(("rounds/0", "rounds/0", "rounds/1", "evaluations/0", "model", "rounds/999999999"))
        with soon(message):
            answer = http.open(
                f"/sessions/{client.session_id}/{place}",
                method="PUT",
                data=message,
                buffered=True,
                headers={"Prefer": "wait=0", "Content-Type": "application/octet-stream"},
            )
        assert answer.status_code < 500, (number, place, message, answer.data)
        taken += answer.status_code < 300
    assert taken > 0
    assert_works(client, agreement)
