"""A session is judged before anything of it is taken, whoever asks for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from werkzeug.test import EnvironBuilder

from factories.worker_data import write_dataset
from fakes.worker_client import RUN, BusyExecutor, HeldExecutor, WorkerClient, blob_of, message_in
from synergos_worker.bootstrap import WorkerService, build_worker
from synergos_worker.disclosure.policy import OPEN
from synergos_worker.memory import MemoryLimits
from synergos_worker.policy.limits import UNLIMITED
from synergos_worker.settings import Settings

TAGS = {"train": [["wine", "train"]], "evaluate": [["wine", "evaluate"]]}
MIB = 2**20
MOST = 64 * MIB
WHOLE = RUN | {"batch_size": None}


@pytest.fixture
def service(data: Path, compute: HeldExecutor) -> Iterator[WorkerService]:
    settings = Settings(
        data, data.parent / "outputs", policy=OPEN, limits=UNLIMITED, memory=MemoryLimits(MOST, 2 * MOST, 4)
    )
    service = build_worker(settings, compute=compute)
    yield service
    service.close()


def layer(l_type: str, activation: str | None = None, **structure: Any) -> dict[str, Any]:
    return {"is_input": False, "l_type": l_type, "structure": structure, "activation": activation}


def linear(inputs: int, outputs: int, activation: str | None = None) -> dict[str, Any]:
    return layer("Linear", activation, in_features=inputs, out_features=outputs)


HUNGRY: dict[str, tuple[list[dict[str, Any]], str]] = {
    "parameters": ([linear(13, 4000), linear(4000, 4000), linear(4000, 3, "softmax")], "architecture"),
    "padding": (
        [layer("ConstantPad1d", padding=[0, 10**8], value=0.0), linear(10**8 + 13, 3, "softmax")],
        "batch_size",
    ),
    "activations": (
        [linear(13, 1000), *[layer("ReLU") for _ in range(300)], linear(1000, 3, "softmax")],
        "batch_size",
    ),
    "time steps": (
        [
            layer("Unflatten", dim=1, unflattened_size=[13, 1]),
            layer("LSTM", input_size=1, hidden_size=1000),
            linear(1000, 3, "softmax"),
        ],
        "batch_size",
    ),
}


@pytest.mark.parametrize("name", list(HUNGRY))
def test_what_takes_too_much_is_refused_before_it_is_taken(client: WorkerClient, name: str) -> None:
    layers, field = HUNGRY[name]
    agreement = client.agree(TAGS)
    # What torch loads for the first network is there then.
    client.initialise(agreement, status=417, architecture=layers, hyperparameters=WHOLE)
    before = psutil.Process().memory_info().rss

    refused = client.initialise(agreement, status=417, architecture=layers, hyperparameters=WHOLE)

    assert refused["field"] == field
    assert f"expected at most {MOST:,} (--session_memory)" in refused["message"]
    assert psutil.Process().memory_info().rss - before < MOST // 4
    client.initialise(agreement)
    assert (
        message_in(client.data("PUT", "rounds/0", blob_of(agreement.weights())), agreement.weights())[1]["rows"] == 100
    )


def test_a_copy_of_the_rows_with_a_label_is_set_aside_before_it_is_made(tmp_path: Path, compute: HeldExecutor) -> None:
    header, schema = "age,target\n", {"age": "float64", "target": "category"}
    write_dataset(tmp_path, ["train"], header + "1,no\n2,yes\n" * 20, schema)
    write_dataset(tmp_path, ["new"], header + "1,no\n" * 39 + "1,perhaps\n", schema)
    service = build_worker(
        Settings(tmp_path, tmp_path / "outputs", policy=OPEN, limits=UNLIMITED, memory=MemoryLimits(900, 1800, 4)),
        compute=compute,
    )
    client = WorkerClient(service)

    refused = client.initialise(
        client.agree({"train": [["train"]], "evaluate": [["new"]]}), status=417, metas=["evaluate"]
    )
    service.close()

    assert refused["field"] == "tags.evaluate"
    assert "would take 948 bytes, 480 of them for 40 rows of 1 values" in refused["message"]


def test_sessions_are_bounded_and_give_way_to_others_when_they_end(
    service: WorkerService, compute: HeldExecutor
) -> None:
    clients = [WorkerClient(service, run=f"r{number}", session_id=f"{number:032x}") for number in range(5)]
    agreement = clients[0].agree(TAGS)
    for each in clients[:4]:
        each.initialise(agreement)

    refused = clients[4].initialise(agreement, status=409)
    clients[0].terminate()

    assert refused["message"] == "this worker has 4 sessions, and takes no more (--sessions); try again later"
    assert clients[4].initialise(agreement)["data"]["is_live"]


def test_all_sessions_together_have_a_budget(service: WorkerService) -> None:
    clients = [WorkerClient(service, run=f"r{number}", session_id=f"{number:032x}") for number in range(4)]
    agreement = clients[0].agree(TAGS)
    large = [linear(13, 30_000), linear(30_000, 3, "softmax")]
    small_batches = RUN | {"batch_size": 1}
    opened = [clients[0].initialise(agreement, architecture=large, hyperparameters=small_batches, metas=["train"])]
    opened.append(clients[1].initialise(agreement, architecture=large, hyperparameters=small_batches, metas=["train"]))

    refused = clients[2].initialise(
        agreement, status=409, architecture=large, hyperparameters=small_batches, metas=["train"]
    )

    assert [each["data"]["is_live"] for each in opened] == [True, True]
    assert "(--memory); try again later" in refused["message"]
    clients[2].initialise(agreement)


def test_memory_that_an_answer_is_read_from_is_not_free_when_the_session_has_ended(
    data: Path, compute: HeldExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("synergos_worker.memory._PATIENCE", 0.0)
    settings = Settings(
        data, data.parent / "outputs", policy=OPEN, limits=UNLIMITED, memory=MemoryLimits(MOST, MOST, 1)
    )
    client = WorkerClient(build_worker(settings, compute=compute))
    agreement = client.agree(TAGS)
    client.initialise(agreement)
    client.data("PUT", "rounds/0", blob_of(agreement.weights()))
    environ = EnvironBuilder(f"/sessions/{client.session_id}/rounds/0").get_environ()
    reading = iter(client.service.data_app(environ, lambda *_: lambda _: None))
    next(reading)

    client.terminate()
    meanwhile = client.initialise(agreement, status=409)
    list(reading)
    client.initialise(agreement)
    client.service.close()

    assert "this worker has 1 sessions" in meanwhile["message"]


def test_what_a_try_out_still_computes_with_is_not_free_when_it_took_too_long(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("synergos_worker.session_opener._PATIENCE", 0.0)
    monkeypatch.setattr("synergos_worker.session_opener._OPENING_SECONDS", 0.0)
    compute = BusyExecutor()
    settings = Settings(
        data, data.parent / "outputs", policy=OPEN, limits=UNLIMITED, memory=MemoryLimits(MOST, MOST, 1)
    )
    client = WorkerClient(build_worker(settings, compute=compute))
    agreement = client.agree(TAGS)

    compute.is_held = True
    slow = client.initialise(agreement, status=409)
    meanwhile = client.initialise(agreement, status=409)
    compute.release()
    client.initialise(agreement)
    client.service.close()

    assert "a few rows take the network longer than" in slow["message"]
    assert "this worker has 1 sessions" in meanwhile["message"]


def test_a_session_that_was_never_opened_holds_nothing(service: WorkerService, client: WorkerClient) -> None:
    agreement = client.agree(TAGS)
    wrong = {"criterion": "NLLLoss", "weight": [1.0, 2.0]}

    for _ in range(6):
        client.initialise(agreement, status=417, hyperparameters=RUN | wrong)

    assert client.initialise(agreement)["data"]["is_live"]
