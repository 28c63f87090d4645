from __future__ import annotations

import gc
import json
import threading
import tracemalloc
import weakref
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import torch
from werkzeug.test import Client, EnvironBuilder

from fakes.worker_client import RUN, HeldExecutor, Weights, WorkerClient, blob_of, message_in, message_of
from support.waiting import until
from synergos.domain.tags import Purpose
from synergos.errors import RecordNotFound
from synergos.learning.families.layers.layer_checks import Layer
from synergos.learning.families.layers.network import build_network
from synergos.wire import encode
from synergos_worker.bootstrap import build_worker
from synergos_worker.disclosure.policy import OPEN
from synergos_worker.policy.limits import UNLIMITED
from synergos_worker.settings import Settings

TAGS = {"train": [["wine", "train"]], "evaluate": [["wine", "evaluate"]]}


@pytest.fixture
def weights(client: WorkerClient) -> Weights:
    agreement = client.agree(TAGS)
    client.initialise(agreement)
    return agreement.weights()


def test_a_repeated_round_gives_the_same_bytes_and_trains_once(
    client: WorkerClient, weights: Weights, compute: HeldExecutor
) -> None:
    first = client.data("PUT", "rounds/0", blob_of(weights)).get_data()
    compute.is_held = True  # nothing trains any more

    repeated = client.data("PUT", "rounds/0", blob_of(weights)).get_data()
    fetched = client.data("GET", "rounds/0").get_data()

    assert first == repeated == fetched


def test_a_client_that_goes_away_does_not_block_the_next_round(client: WorkerClient, weights: Weights) -> None:
    client.data("PUT", "rounds/0", blob_of(weights))
    environ = EnvironBuilder(f"/sessions/{client.session_id}/rounds/0").get_environ()
    answer: Any = client.service.data_app(environ, lambda *_: lambda _: None)
    answer.close()  # what a server does when its client is gone, here before the first piece

    assert client.data("PUT", "rounds/1", blob_of(weights)).status_code == 200


def test_a_round_that_takes_longer_is_asked_for_again(
    client: WorkerClient, weights: Weights, compute: HeldExecutor
) -> None:
    compute.is_held = True
    running = client.data("PUT", "rounds/0", blob_of(weights), wait=0)
    still = client.data("GET", "rounds/0", wait=0)
    joined = client.data("PUT", "rounds/0", blob_of(weights), wait=0)
    compute.release()
    done = client.data("GET", "rounds/0", wait=0)

    assert [answer.status_code for answer in (running, still, joined)] == [202, 202, 202]
    assert running.get_json() == {"state": "running", "round": 0, "epoch": 0, "epochs": RUN["epochs"]}
    assert message_in(done, weights)[1]["round"] == 0


def test_a_waiting_request_gets_the_result_as_soon_as_it_is_there(
    client: WorkerClient, weights: Weights, compute: HeldExecutor
) -> None:
    compute.is_held = True
    client.data("PUT", "rounds/0", blob_of(weights), wait=0)
    with ThreadPoolExecutor() as pool:
        waiting = [pool.submit(client.data, "GET", "rounds/0", b"", 60) for _ in range(3)]
        compute.release()
        blobs = {answer.result().get_data() for answer in waiting}

    assert len(blobs) == 1


def test_an_older_round_is_refused_and_a_later_one_unknown(client: WorkerClient, weights: Weights) -> None:
    client.data("PUT", "rounds/3", blob_of(weights))

    assert client.data("PUT", "rounds/2", blob_of(weights)).status_code == 409
    assert client.data("GET", "rounds/2").status_code == 409
    assert client.data("GET", "rounds/4").status_code == 404
    assert client.data("GET", "rounds/3").status_code == 200


def test_another_round_is_refused_while_one_is_running(
    client: WorkerClient, weights: Weights, compute: HeldExecutor
) -> None:
    compute.is_held = True
    client.data("PUT", "rounds/0", blob_of(weights), wait=0)

    for path in ("rounds/1", "evaluations/0", "model"):
        refused = client.data("PUT", path, blob_of(weights), wait=0)
        assert (refused.status_code, message_of(refused)) == (409, "this session is still busy with a round")
    compute.release()
    assert client.data("GET", "rounds/0").status_code == 200


def test_a_measurement_leaves_the_round_s_result_alone(client: WorkerClient, weights: Weights) -> None:
    trained = client.data("PUT", "rounds/0", blob_of(weights)).get_data()
    untrained = {name: torch.zeros_like(tensor) for name, tensor in weights.items()}

    measured = client.data("PUT", "evaluations/0", blob_of(untrained)).get_json()
    client.data("PUT", "model", blob_of(untrained))

    assert client.data("GET", "rounds/0").get_data() == trained
    assert client.data("GET", "evaluations/0").get_json() == measured
    assert measured["evaluation"] == {"rows": 40, "loss": pytest.approx(1.0986123, abs=1e-6)}  # ln 3


def test_a_round_measures_the_weights_it_is_sent(client: WorkerClient, weights: Weights) -> None:
    untrained = {name: torch.zeros_like(tensor) for name, tensor in weights.items()}

    _, metadata = message_in(client.data("PUT", "rounds/0", blob_of(untrained)), weights)

    assert metadata["evaluation"]["loss"] == pytest.approx(1.0986123, abs=1e-6)


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        (lambda blob, weights: b"nonsense" * 20, "header"),
        (lambda blob, weights: blob[:-4], "bytes"),
        (lambda blob, weights: blob_of({"other": next(iter(weights.values()))}), "tensors"),
        (lambda blob, weights: blob_of({name: t.double() for name, t in weights.items()}), "expected dtype F32"),
        (lambda blob, weights: blob_of({name: t[:1] for name, t in weights.items()}), "shape"),
        (lambda blob, weights: blob_of(weights, round=7), "is for round 7"),
    ],
)
def test_what_are_not_this_network_s_weights_is_refused(
    client: WorkerClient, weights: Weights, spoil: Any, complaint: str
) -> None:
    before = client.data("PUT", "rounds/0", blob_of(weights)).get_data()

    refused = client.data("PUT", "rounds/1", spoil(blob_of(weights), weights))

    assert refused.status_code == 417
    assert complaint in message_of(refused)
    assert client.data("GET", "rounds/0").get_data() == before
    assert client.data("PUT", "rounds/1", blob_of(weights)).status_code == 200


def test_a_message_needs_a_length_and_may_not_be_too_long(client: WorkerClient, weights: Weights) -> None:
    path = f"/sessions/{client.session_id}/rounds/0"
    http = Client(client.service.data_app)

    assert http.put(path).status_code == 411
    too_long = http.put(path, environ_overrides={"CONTENT_LENGTH": str(2**40)})
    assert (too_long.status_code, too_long.get_json()["success"]) == (413, 0)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "rounds/x", 404),
        ("GET", "rounds/-1", 404),
        ("GET", "rounds/0/exchanges", 404),
        ("GET", "rounds/" + "9" * 5000, 404),
        ("POST", "model", 405),
        ("GET", "", 404),
    ],
)
def test_every_answer_is_json(client: WorkerClient, method: str, path: str, status: int) -> None:
    response = client.data(method, path)

    assert response.status_code == status
    assert json.loads(response.get_data())["status"] == status


def test_a_loss_that_is_not_finite_is_null(client: WorkerClient, weights: Weights) -> None:
    diverged = {name: torch.full_like(tensor, float("nan")) for name, tensor in weights.items()}

    _, metadata = message_in(client.data("PUT", "rounds/0", blob_of(diverged)), weights)

    assert metadata["train_loss"] is None
    assert metadata["evaluation"] == {"rows": 40, "loss": None}


def test_a_failed_round_says_why_and_can_be_tried_again(client: WorkerClient) -> None:
    agreement = client.agree(TAGS)
    normalised: list[Layer] = [
        {"is_input": True, "l_type": "BatchNorm1d", "structure": {"num_features": 13}, "activation": None},
        *agreement.layers(),
    ]
    # One row per batch has no variance; the warm-up's four rows have.
    client.initialise(agreement, architecture=normalised, hyperparameters=RUN | {"batch_size": 1})
    blob = blob_of(build_network(normalised, 1).state_dict())

    failed, told_again, retried = (client.data(method, "rounds/0", blob) for method in ("PUT", "GET", "PUT"))

    assert [answer.status_code for answer in (failed, told_again, retried)] == [422, 422, 422]
    assert message_of(failed) == "batch_size: batch normalisation needs two rows or more in every batch"


def is_gone(session: weakref.ref[Any]) -> bool:
    """Whether nobody has it any more; the thread that looks after sessions may just have it in hand."""
    gc.collect()
    return session() is None


def test_nothing_is_kept_of_a_session_that_has_ended(client: WorkerClient, weights: Weights) -> None:
    client.data("PUT", "rounds/0", blob_of(weights)).get_data()
    session = weakref.ref(client.service.sessions.get(client.session_id))

    client.terminate()

    until(lambda: is_gone(session), "it to be gone")


def test_rows_and_network_are_let_go_though_a_request_still_holds_the_session(
    client: WorkerClient, weights: Weights
) -> None:
    client.data("PUT", "rounds/0", blob_of(weights)).get_data()
    session = client.service.sessions.get(client.session_id)
    before = session.counts

    client.terminate()

    assert before == {"train": 100, "evaluate": 40}
    assert session.counts == {}
    with pytest.raises(RecordNotFound, match="the session has ended"):
        session.predict([Purpose.EVALUATE])


def test_nothing_is_kept_of_a_session_whose_work_was_still_waiting(
    client: WorkerClient, weights: Weights, compute: HeldExecutor
) -> None:
    compute.is_held = True
    client.data("PUT", "rounds/0", blob_of(weights), wait=0)
    session = weakref.ref(client.service.sessions.get(client.session_id))

    client.terminate()

    until(lambda: is_gone(session), "it to be gone")
    compute.release()


def test_ending_a_session_stops_the_training_in_hand(data: Path) -> None:
    service = build_worker(Settings(data, data.parent / "outputs", policy=OPEN, limits=UNLIMITED))
    client = WorkerClient(service)
    agreement = client.agree(TAGS)
    endless = RUN | {"epochs": 1_000_000, "patience": 1_000_000, "lr_scheduler": "LambdaLR", "batch_size": 1}
    client.initialise(agreement, hyperparameters=endless)
    with ThreadPoolExecutor() as pool:
        client.data("PUT", "rounds/0", blob_of(agreement.weights()), wait=0)
        waiting = pool.submit(client.data, "GET", "rounds/0", b"", 60)
        client.terminate()
        answer = waiting.result()
        service.close()  # waits for the compute thread

    assert answer.status_code == 404


def test_stopping_the_worker_stops_everything(data: Path) -> None:
    service = build_worker(Settings(data, data.parent / "outputs", policy=OPEN, limits=UNLIMITED))
    client = WorkerClient(service)
    agreement = client.agree(TAGS)
    endless = RUN | {"epochs": 1_000_000, "patience": 1_000_000, "lr_scheduler": "LambdaLR"}
    client.initialise(agreement, hyperparameters=endless)
    client.data("PUT", "rounds/0", blob_of(agreement.weights()), wait=0)

    service.stop()
    refused = client.initialise(agreement, status=503)
    service.close()

    assert refused["message"] == "this worker is about to end"
    assert not [thread for thread in threading.enumerate() if thread.name.startswith(("compute", "sweeper"))]


class Stream:
    """Bytes that are made as they are read, as they come from a socket."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._left = b""

    def read(self, size: int = -1) -> bytes:
        while not self._left:
            self._left = next(self._pieces, b"")
            if not self._left:
                return b""
        found, self._left = self._left[:size], self._left[size:]
        return found


def initialise_wide(client: WorkerClient) -> Weights:
    """Open a session with a network of 6 MiB; its first weights."""
    wide = 100_000
    layers: list[Layer] = [
        {
            "is_input": True,
            "l_type": "Linear",
            "structure": {"in_features": 13, "out_features": wide},
            "activation": "relu",
        },
        {
            "is_input": False,
            "l_type": "Linear",
            "structure": {"in_features": wide, "out_features": 3},
            "activation": "softmax",
        },
    ]
    hyperparameters = RUN | {"epochs": 1}
    client.initialise(client.agree(TAGS), architecture=layers, metas=["train"], hyperparameters=hyperparameters)
    return build_network(layers, 1).state_dict()


def test_weights_pass_without_another_copy_of_the_model(client: WorkerClient) -> None:
    message = encode(initialise_wide(client), {"round": 0})
    http, path = Client(client.service.data_app), f"/sessions/{client.session_id}/rounds/0"

    tracemalloc.start()
    socket = {"wsgi.input": Stream(message.chunks()), "CONTENT_LENGTH": str(message.length)}
    response = http.put(path, environ_overrides=socket)
    received = sum(len(piece) for piece in response.iter_encoded())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert message.length > 6 * 2**20
    assert received == response.content_length
    assert peak < 4 * 2**20  # pieces of 1 MiB; the two copies there may be are torch's


class Connection:
    """A server's connection, as far as an application may write to it."""

    def __init__(self, breaks: bool = False) -> None:
        self.sent: list[bytes] = []
        self._breaks = breaks

    def sendall(self, piece: memoryview) -> None:
        if self._breaks:
            raise ConnectionResetError
        self.sent.append(bytes(piece))


def test_a_large_answer_goes_from_its_memory_into_the_connection(client: WorkerClient) -> None:
    whole = client.data("PUT", "rounds/0", blob_of(initialise_wide(client))).get_data()
    connection = Connection()
    environ = EnvironBuilder(f"/sessions/{client.session_id}/rounds/0").get_environ()

    yielded = list(client.service.data_app({**environ, "gunicorn.socket": connection}, lambda *_: lambda _: None))

    # With the first piece, the server sends its head.
    assert len(yielded) == 1
    assert len(yielded[0]) < 2**20 < sum(map(len, connection.sent))
    assert b"".join([*yielded, *connection.sent]) == whole


def test_a_large_answer_whose_connection_breaks_does_not_block_the_next_round(client: WorkerClient) -> None:
    weights = initialise_wide(client)
    client.data("PUT", "rounds/0", blob_of(weights))
    environ = EnvironBuilder(f"/sessions/{client.session_id}/rounds/0").get_environ()
    environ["gunicorn.socket"] = Connection(breaks=True)

    with pytest.raises(ConnectionResetError):
        list(client.service.data_app(environ, lambda *_: lambda _: None))

    assert client.data("PUT", "rounds/1", blob_of(weights)).status_code == 200


def test_what_its_data_port_carries_is_measured(client: WorkerClient, weights: Weights) -> None:
    message = blob_of(weights)

    answer = client.data("PUT", "rounds/0", message).get_data()
    client.data("GET", "rounds/0").get_data()

    measured = client.service.command_app.test_client().get("/metrics").text
    found = dict(line.rsplit(" ", 1) for line in measured.splitlines() if not line.startswith("#"))
    assert float(found['synergos_transferred_bytes_total{direction="down"}']) == len(message)
    assert float(found['synergos_transferred_bytes_total{direction="up"}']) == 2 * len(answer)
    assert float(found["synergos_sessions"]) == 1
