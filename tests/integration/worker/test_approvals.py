"""With --approve_models a worker computes what its owner has read and approved; what else is asked for waits."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from factories.worker_data import wine, write_frame
from fakes.clock import Clock
from fakes.worker_client import RUN, Agreement, WorkerClient, blob_of
from support.waiting import until
from synergos.approval.decided import approve, revoke
from synergos.approval.waiting import WAITING, Waiting, waiting_in
from synergos.identity.identity import FOLDER
from synergos.identity.short_list import MOST
from synergos_worker.bootstrap import WorkerService, build_worker
from synergos_worker.disclosure.policy import OPEN
from synergos_worker.policy.limits import UNLIMITED
from synergos_worker.settings import Settings

SPACE = {"lr": {"_type": "loguniform", "_value": [0.001, 0.5]}, "epochs": {"_type": "choice", "_value": [1, 2]}}

FIXED = {name: value for name, value in RUN.items() if name not in SPACE}
SEARCH = {"space": SPACE, "fixed": FIXED}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    frame = wine()
    write_frame(tmp_path / "data", ["wine", "train"], frame[:100])
    write_frame(tmp_path / "data", ["wine", "evaluate"], frame[100:140])
    return tmp_path / "data"


@pytest.fixture
def clock() -> Clock:
    return Clock(0.0)


@pytest.fixture
def service(data: Path, clock: Clock) -> Iterator[WorkerService]:
    outputs = data.parent / "outputs"
    service = build_worker(
        Settings(data, outputs, maximum_body=500_000, policy=OPEN, limits=UNLIMITED, approve_models=True), clock=clock
    )
    yield service
    service.close()


@pytest.fixture
def client(service: WorkerService) -> WorkerClient:
    return WorkerClient(service)


@pytest.fixture
def agreement(client: WorkerClient) -> Agreement:
    return client.agree({"train": [["wine", "train"]], "evaluate": [["wine", "evaluate"]]})


@pytest.fixture
def folder(data: Path) -> Path:
    return data.parent / "outputs" / FOLDER


def waiting(folder: Path, clock: Clock) -> list[Waiting]:
    """What waits, as soon as the worker has written it down."""
    clock.now += 2
    until(lambda: bool(waiting_in(folder / WAITING)), "something to wait")
    return waiting_in(folder / WAITING)


def run(**changes: object) -> dict[str, object]:
    return {**RUN, **changes}


def test_what_nobody_has_approved_waits_and_says_what_it_is_in_words(
    client: WorkerClient, agreement: Agreement, folder: Path, clock: Clock
) -> None:
    refused = client.initialise(agreement, status=428)
    [waits] = waiting(folder, clock)

    assert refused["field"] == "approval"
    assert refused["message"].endswith(f"approves of it with: synergos approval approve {waits.digest}")
    assert waits.title == "c/p1/e1/r1: to evaluate and train"
    words = "\n".join(waits.words)
    for said in (
        "1. is_input true, l_type Linear",
        "algorithm = FedProx",
        "lr = 0.1",
        "13 columns of numbers: alcalinity_of_ash, alcohol",
        "labels: barbera, barolo",
    ):
        assert said in words


def test_what_was_approved_is_computed(client: WorkerClient, agreement: Agreement, folder: Path, clock: Clock) -> None:
    client.initialise(agreement, status=428)
    approve(folder, waiting(folder, clock)[0].digest[:20])

    client.initialise(agreement)
    assert client.data("PUT", "rounds/0", blob_of(agreement.weights(), round=0)).status_code == 200


OTHERS: Mapping[str, Mapping[str, Any]] = {
    "a hyperparameter": {"hyperparameters": run(lr=0.2)},
    "a purpose less": {"metas": ["train"]},
    "a layer": {"architecture": "wider"},
    "the feature space": {"feature_space": "other"},
    "a search": {"search": SEARCH, "hyperparameters": run(epochs=2)},
}


@pytest.mark.parametrize("what", OTHERS)
def test_whatever_is_changed_is_something_else(
    client: WorkerClient, agreement: Agreement, folder: Path, clock: Clock, what: str
) -> None:
    client.initialise(agreement, status=428)
    approve(folder, waiting(folder, clock)[0].digest)
    changes = dict(OTHERS[what])
    if what == "a layer":
        [layer] = agreement.layers()
        changes["architecture"] = [{**layer, "activation": "relu"}]
    if what == "the feature space":
        space = agreement.space.to_dict()
        changes["feature_space"] = json.loads(json.dumps({**space, "minimum_rows": 7}))

    client.initialise(agreement, status=428, **changes)


def test_another_run_of_the_same_name_waits_until_it_is_approved_too(
    client: WorkerClient, agreement: Agreement, folder: Path, clock: Clock
) -> None:
    client.initialise(agreement, status=428)
    approve(folder, waiting(folder, clock)[0].digest)
    client.initialise(agreement)

    replace(client, run="r2", session_id="1" * 32).initialise(agreement, status=428)


def test_what_is_revoked_stops_before_the_next_round_and_its_session_ends(
    service: WorkerService, client: WorkerClient, agreement: Agreement, folder: Path, clock: Clock
) -> None:
    client.initialise(agreement, status=428)
    digest = waiting(folder, clock)[0].digest
    approve(folder, digest)
    client.initialise(agreement)
    first = client.data("PUT", "rounds/0", blob_of(agreement.weights(), round=0))

    revoke(folder, digest[:8])
    second = client.data("PUT", "rounds/1", blob_of(agreement.weights(), round=1))

    # Refused, or gone already.
    assert (first.status_code, second.status_code in (403, 404)) == (200, True)
    until(lambda: len(service.sessions) == 0, "the session to end")
    assert "revoked" in client.initialise(agreement, status=403)["message"]


def test_an_approved_search_is_one_for_its_trials_and_nothing_outside(
    client: WorkerClient, agreement: Agreement, folder: Path, clock: Clock
) -> None:
    def trial(name: str, status: int, search: object = SEARCH, **changes: object) -> dict[str, Any]:
        own = replace(client, run=name, session_id=name * 32)
        return own.initialise(agreement, status=status, search=search, hyperparameters=run(**changes))

    trial("1", 428, lr=0.1, epochs=2)
    [waits] = waiting(folder, clock)
    approve(folder, waits.digest)

    assert waits.title == "c/p1/e1/all trials of a search: to evaluate and train"
    assert "  lr: _type loguniform, _value [0.001, 0.5]" in waits.words
    trial("1", 201, lr=0.1, epochs=2)
    trial("2", 201, lr=0.001, epochs=1)
    assert "hyperparameters.lr" in trial("3", 403, lr=0.6, epochs=1)["message"]
    assert "hyperparameters.epochs" in trial("3", 403, lr=0.1, epochs=3)["message"]
    # What is fixed is what it is, and nothing is left out that has an effect.
    assert "hyperparameters.rounds" in trial("3", 403, lr=0.1, epochs=2, rounds=11)["message"]
    assert "hyperparameters.weight_decay" in trial("3", 403, lr=0.1, epochs=2, weight_decay=0.5)["message"]
    other = {**SEARCH, "fixed": {**FIXED, "rounds": 11}}
    trial("3", 428, other, lr=0.1, epochs=2, rounds=11)
    # As a run of its own it was not looked at.
    own = replace(client, run="4", session_id="4" * 32)
    own.initialise(agreement, status=428, hyperparameters=run(lr=0.1, epochs=2))


def test_an_approved_search_for_layers_is_one_for_all_that_it_can_make_of_them_and_nothing_outside(
    client: WorkerClient, agreement: Agreement, folder: Path, clock: Clock
) -> None:
    [last] = agreement.layers()
    width, bias = "model[0].structure.out_features", "model[1].structure.bias"
    space = {
        width: {"_type": "randint", "_value": [4, 17]},
        bias: {"_type": "choice", "_value": [True, False]},
        "epochs": {"_type": "choice", "_value": [1, 2]},
    }
    fixed = {name: value for name, value in RUN.items() if name != "epochs"}

    def layers(wide: int, has_bias: bool, read: int = 13) -> list[dict[str, Any]]:
        sizes = {"in_features": read, "out_features": wide, "bias": True}
        first = {"is_input": True, "l_type": "Linear", "structure": sizes, "activation": "relu"}
        return [
            first,
            {**last, "is_input": False, "structure": {**last["structure"], "in_features": wide, "bias": has_bias}},
        ]

    # As somebody declares them who does not know yet how many columns there are.
    declared = layers(1, True, read=1)

    def trial(
        name: str, status: int, made: list[dict[str, Any]], search: Mapping[str, Any] = {}, **drawn: object
    ) -> dict[str, Any]:
        values = {
            width: 8,
            bias: True,
            **{{"width": width, "bias": bias}[name]: value for name, value in drawn.items()},
        }
        common = {"space": space, "fixed": fixed, "model": declared, **search}
        own = replace(client, run=name, session_id=name * 32)
        values = run(epochs=1, **values)
        return own.initialise(agreement, status=status, architecture=made, search=common, hyperparameters=values)

    trial("1", 428, layers(8, True))
    [waits] = waiting(folder, clock)
    words = "\n".join(waits.words)
    assert "2 parts, which each trial changes as it is searched below, and fits to that and to the rows:" in words
    assert f"  {width}: _type randint, _value [4, 17]" in words
    approve(folder, waits.digest)

    trial("1", 201, layers(8, True))
    trial("2", 201, layers(16, False), width=16, bias=False)
    # What it has drawn is what its model has, and can be.
    assert trial("3", 403, layers(17, True), width=17)["field"] == f"hyperparameters.{width}"
    assert trial("3", 403, layers(9, True))["field"] == "architecture"
    deeper = [layers(8, True)[0], *layers(8, True, read=8)]
    assert trial("3", 403, deeper)["field"] == "architecture"
    assert trial("3", 417, layers(8, True), {"model": None})["field"] == "search.model"
    # Of other layers to begin with, nobody has approved.
    trial("3", 428, layers(8, True), {"model": layers(2, True)})


def test_what_has_no_effect_beside_what_was_drawn_is_left_out_and_nothing_else(
    client: WorkerClient, agreement: Agreement, folder: Path, clock: Clock
) -> None:
    search = {
        "space": {
            "optimizer": {"_type": "choice", "_value": ["SGD", "Adam"]},
            "momentum": {"_type": "choice", "_value": [0.9]},
        },
        "fixed": {**RUN, "nesterov": True},
    }

    def trial(name: str, status: int, **changes: object) -> dict[str, Any]:
        own = replace(client, run=name, session_id=name * 32)
        return own.initialise(agreement, status=status, search=search, hyperparameters=run(**changes))

    trial("1", 428, optimizer="SGD", momentum=0.9, nesterov=True)
    approve(folder, waiting(folder, clock)[0].digest)

    trial("1", 201, optimizer="SGD", momentum=0.9, nesterov=True)
    # Adam knows neither.
    trial("2", 201, optimizer="Adam")
    assert "hyperparameters.momentum" in trial("3", 403, optimizer="SGD", nesterov=True)["message"]
    assert "hyperparameters.nesterov" in trial("3", 403, optimizer="SGD", momentum=0.9)["message"]


def test_what_was_approved_is_after_a_restart(
    data: Path, service: WorkerService, client: WorkerClient, agreement: Agreement, folder: Path, clock: Clock
) -> None:
    client.initialise(agreement, status=428)
    approve(folder, waiting(folder, clock)[0].digest)
    service.close()
    again = build_worker(Settings(data, data.parent / "outputs", policy=OPEN, limits=UNLIMITED, approve_models=True))
    try:
        WorkerClient(again).initialise(agreement)
    finally:
        again.close()


def test_the_list_of_what_waits_is_short(
    client: WorkerClient, agreement: Agreement, folder: Path, clock: Clock
) -> None:
    for number in range(MOST + 3):
        client.initialise(agreement, status=428, hyperparameters=run(lr=0.001 * (number + 1)))
    clock.now += 2
    last = f"  lr = {0.001 * (MOST + 3)}"
    until(lambda: last in waiting_in(folder / WAITING)[-1].words, "the list to be written")

    assert len(waiting_in(folder / WAITING)) == MOST


def test_more_than_anybody_would_read_is_refused(client: WorkerClient, agreement: Agreement) -> None:
    [layer] = agreement.layers()

    refused = client.initialise(agreement, status=403, architecture=[layer] * 900)

    assert "no owner can approve" in refused["message"]


def test_a_worker_that_needs_no_approval_asks_for_none(data: Path) -> None:
    service = build_worker(Settings(data, data.parent / "others", policy=OPEN, limits=UNLIMITED))
    try:
        client = WorkerClient(service)
        client.initialise(client.agree({"train": [["wine", "train"]]}), metas=["train"], search=SEARCH)
    finally:
        service.close()
