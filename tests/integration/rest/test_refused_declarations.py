"""What cannot be declared is refused with its field, in one sentence, and changes nothing."""

from __future__ import annotations

from typing import Any

import pytest

from fakes.orchestration import (
    COLLABORATION_URL,
    CONNECT,
    EXPERIMENT_URL,
    LAYERS,
    PROJECT_URL,
    RUN_URL,
    TAGS_URL,
    Client,
    E,
    registration,
    registration_url,
)

EXPERIMENTS, RUNS = f"{PROJECT_URL}/experiments", f"{EXPERIMENT_URL}/runs"
STRANGER = registration_url("wroker_1")


@pytest.mark.parametrize(
    ("url", "body", "status", "sentence"),
    [
        (
            EXPERIMENTS,
            {"model": [{**LAYERS[0], "l_type": "Liner"}]},
            417,
            "is not a layer of torch.nn; did you mean Linear?",
        ),
        (
            EXPERIMENTS,
            {"model": [{**LAYERS[0], "activation": "rleu"}]},
            417,
            "model[0].activation: 'rleu' is not a function",
        ),
        (
            EXPERIMENTS,
            {"model": [{**LAYERS[0], "structure": {"in_featurs": 28, "out_features": 1}}]},
            417,
            "model[0].structure.in_featurs: 'in_featurs' is not an argument of Linear; did you mean in_features",
        ),
        (RUNS, {"algorithm": "FedAvgg"}, 417, "algorithm: 'FedAvgg' is not an algorithm; did you mean FedAvg"),
        (RUNS, {"optimizer": "cosine"}, 417, "optimizer: 'cosine' is not an optimizer of torch.optim; known are ASGD,"),
        (RUNS, {"lr": "0.05"}, 417, "lr: expected a number, got a string"),
        (RUNS, {"lr": 0}, 417, "lr: expected a number of more than 0"),
        (RUNS, {"rounds": 0}, 417, "rounds: expected 1 to 1000000, got 0"),
        (RUNS, {"rounds": 2.5}, 417, "rounds: expected a whole number, got 2.5"),
        (RUNS, {"batch_size": 0}, 417, "batch_size: expected 1 to "),
        (f"{COLLABORATION_URL}/projects", {"action": "classification"}, 417, "did you mean classify?"),
        (
            registration_url("worker_1"),
            {**registration("h"), "role": "participant"},
            417,
            "is not one of host, guest, arbiter",
        ),
        (
            TAGS_URL,
            {"train": [["..", "x"]]},
            417,
            "'..' would leave the data folder; expected the plain name of a folder",
        ),
        (f"{STRANGER}/tags", {"train": [["a"]]}, 404, "no Participant with participant_id='wroker_1'"),
        (STRANGER, registration("h"), 404, "no Participant with participant_id='wroker_1'"),
        (f"{CONNECT}/collaborations/c2/projects", {"project_id": "new"}, 404, "no Collaboration with collab_id='c2'"),
    ],
)
def test_a_mistake_is_answered_in_one_sentence(
    declared: Client, url: str, body: dict[str, Any], status: int, sentence: str
) -> None:
    names = {EXPERIMENTS: "expt_id", RUNS: "run_id"}
    named = {"project_id": "new", "incentives": {}} if url.endswith("/projects") else {names.get(url, "x"): "new"}

    found, answer = declared.post(url, {**(named if "x" not in named else {}), **body})

    assert found == status, answer
    assert sentence in answer["message"]


FLAT = "expected a list of folders, each a list of names; write "


@pytest.mark.parametrize(
    ("value", "field", "written"),
    [
        (["loans", "train"], "train[0]", '[["loans", "train"]] for train'),
        (["loans/train"], "train[0]", '[["loans", "train"]] for train'),
        ("loans/train", "train", '[["loans", "train"]]'),
    ],
)
def test_tags_that_are_no_lists_of_lists_say_how_to_write_them(
    declared: Client, value: object, field: str, written: str
) -> None:
    for ask in (declared.post, declared.put):
        status, answer = ask(TAGS_URL, {"train": value})
        assert (status, answer["field"], answer["message"]) == (417, field, f"{field}: {FLAT}{written}")


@pytest.mark.parametrize(
    ("url", "body", "field"),
    [
        (f"{CONNECT}/collaborations", {}, "collab_id"),
        (f"{CONNECT}/collaborations", {"collab_id": 3}, "collab_id"),
        (f"{CONNECT}/collaborations", {"collab_id": "../x"}, "collab_id"),
        (f"{CONNECT}/collaborations", {"collab_id": ""}, "collab_id"),
        (f"{CONNECT}/collaborations", {"collab_id": "c", "mq": {"host": "h", "ports": {"ui": 1}}}, "mq.ports.main"),
        (f"{CONNECT}/collaborations", {"collab_id": "c", "mq": {"ports": {"main": "1"}}}, "mq.ports.main"),
        (f"{CONNECT}/collaborations", {"collab_id": "c", "logs": {"ports": {"main": 1}}}, "logs.ports.sysmetrics"),
        (f"{COLLABORATION_URL}/projects", {"incentives": {}}, "project_id"),
        (f"{COLLABORATION_URL}/projects", {"project_id": "p"}, "incentives"),
        (f"{COLLABORATION_URL}/projects", {"project_id": "p", "incentives": []}, "incentives"),
        (f"{COLLABORATION_URL}/projects", {"project_id": "p", "incentives": {}, "action": "regres"}, "action"),
        (f"{COLLABORATION_URL}/projects", {"project_id": "p", "incentives": {}, "action": None}, "action"),
        (f"{PROJECT_URL}/experiments", {"model": LAYERS}, "expt_id"),
        (f"{PROJECT_URL}/experiments", {"expt_id": "e"}, "model"),
        (f"{PROJECT_URL}/experiments", {"expt_id": "e", "model": []}, "model"),
        (f"{PROJECT_URL}/experiments", {"expt_id": "e", "model": [{"is_input": True}]}, "model[0].l_type"),
        (
            f"{PROJECT_URL}/experiments",
            {"expt_id": "e", "model": [{**LAYERS[0], "l_type": "Linea"}]},
            "model[0].l_type",
        ),
        (f"{EXPERIMENT_URL}/runs", {}, "run_id"),
        (f"{EXPERIMENT_URL}/runs", {"run_id": "optimizations"}, "run_id"),
        (f"{EXPERIMENT_URL}/runs", {"run_id": "r", "rounds": "2"}, "rounds"),
        (f"{EXPERIMENT_URL}/runs", {"run_id": "r", "lr": "fast"}, "lr"),
        (f"{EXPERIMENT_URL}/runs", {"run_id": "r", "use_CLR": 1}, "use_CLR"),
        (f"{EXPERIMENT_URL}/runs", {"run_id": "r", "optimizer": "SDG"}, "optimizer"),
        (f"{EXPERIMENT_URL}/runs", {"run_id": "r", "reduction": "median"}, "reduction"),
        (f"{CONNECT}/participants", {}, "id"),
        (f"{CONNECT}/participants", {"id": "a/b"}, "id"),
        (f"{CONNECT}/participants", {"id": "w", "category": "bank"}, "category"),
        (TAGS_URL, {}, "train"),
        (TAGS_URL, {"train": "x"}, "train"),
        (TAGS_URL, {"train": ["x"]}, "train[0]"),
        (TAGS_URL, {"train": [["x", 1]]}, "train[0][1]"),
        (TAGS_URL, {"train": [[".."]]}, "train[0][0]"),
        (TAGS_URL, {"train": [["x"]], "predict": [[]]}, "predict[0]"),
    ],
)
def test_a_wrong_declaration_is_refused_with_the_field(declared: Client, url: str, body: Any, field: str) -> None:
    status, answer = declared.post(url, body)

    assert (status, answer.get("field")) == (417, field), answer
    assert answer["message"].startswith(f"{field}: ")


@pytest.mark.parametrize(
    ("url", "body", "field"),
    [
        (COLLABORATION_URL, {"mq": "here"}, "mq"),
        (PROJECT_URL, {"action": "cluster"}, "action"),
        (EXPERIMENT_URL, {"model": [{**LAYERS[0], "l_type": "Linea"}]}, "model[0].l_type"),
        (EXPERIMENT_URL, {"model": None}, "model"),
        (RUN_URL, {"epochs": 1.5}, "epochs"),
        (RUN_URL, {"optimizer": "SDG"}, "optimizer"),
        (f"{CONNECT}/participants/worker_1", {"email": 3}, "email"),
        (TAGS_URL, {"evaluate": [["a/b"]]}, "evaluate[0][0]"),
    ],
)
def test_a_wrong_change_is_refused_and_changes_nothing(declared: Client, url: str, body: Any, field: str) -> None:
    before = declared.data("GET", url)

    status, answer = declared.put(url, body)

    assert (status, answer.get("field")) == (417, field)
    assert declared.data("GET", url) == before


def test_a_name_that_is_nearly_right_is_answered_with_the_right_one(declared: Client) -> None:
    _, answer = declared.put(PROJECT_URL, {"action": "clasify"})

    assert "did you mean classify" in answer["message"]


@pytest.mark.parametrize("verb", ["POST", "PUT"])
def test_a_family_nobody_knows_is_refused_with_its_near_miss(declared: Client, verb: str) -> None:
    url = EXPERIMENT_URL if verb == "PUT" else f"{PROJECT_URL}/experiments"

    status, answer = declared.ask(verb, url, {"expt_id": E, "model": LAYERS, "family": "layer"})

    assert (status, answer["field"]) == (417, "family")
    assert answer["message"] == "family: 'layer' is not a model family; did you mean layers?"
