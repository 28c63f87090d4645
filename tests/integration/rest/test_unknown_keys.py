"""Nothing is accepted without effect: a key or a query parameter that nobody reads is refused, with what was meant."""

from __future__ import annotations

from typing import Any

import pytest

from fakes.orchestration import (
    ALIGNMENTS_URL,
    COLLABORATION_URL,
    CONNECT,
    EXPERIMENT_URL,
    LAYERS,
    MODELS_URL,
    PROJECT_URL,
    RUN,
    RUN_URL,
    VALIDATIONS_URL,
    Client,
    E,
    P,
    R,
    node,
    predictions_url,
    registration,
    registration_url,
)
from synergos.domain.records import Kind
from synergos.records import RecordStore

COLLABORATIONS = f"{CONNECT}/collaborations"
PARTICIPANTS = f"{CONNECT}/participants"
RUNS = f"{EXPERIMENT_URL}/runs"
TAGS = f"{registration_url('worker_1')}/tags"
PROJECT_BODY: dict[str, Any] = {"project_id": P, "action": "classify", "incentives": {}}
STUDY = {"search_space": {"lr": {"_type": "choice", "_value": [0.1]}}, "metric": "R2", "optimize_mode": "max"}
STUDIES = f"{MODELS_URL}/{E}/optimizations"


@pytest.mark.parametrize(
    ("url", "body", "field", "meant"),
    [
        (COLLABORATIONS, {"collab_id": "c", "mlop": {}}, "mlop", "mlops"),
        (COLLABORATIONS, {"collab_id": "c", "mq": {"hots": "h"}}, "mq.hots", "host"),
        (COLLABORATIONS, {"collab_id": "c", "mq": {"ports": {"main": 1, "iu": 2}}}, "mq.ports.iu", "ui"),
        (f"{COLLABORATION_URL}/projects", {**PROJECT_BODY, "incentive": {}}, "incentive", "incentives"),
        (f"{COLLABORATION_URL}/projects", {**PROJECT_BODY, "startat": "2021"}, "startat", "start_at"),
        (f"{PROJECT_URL}/experiments", {"expt_id": "e", "model": LAYERS, "famly": "layers"}, "famly", "family"),
        (
            f"{PROJECT_URL}/experiments",
            {"expt_id": "e", "model": [{**LAYERS[0], "activaton": ""}]},
            "model[0].activaton",
            "activation",
        ),
        (
            f"{PROJECT_URL}/experiments",
            {"expt_id": "e", "model": [{**LAYERS[0], "structure": {"in_feature": 1, "out_features": 1}}]},
            "model[0].structure.in_feature",
            "in_features",
        ),
        (PARTICIPANTS, {"id": "w", "sumary": "a bank"}, "sumary", "summary"),
        (registration_url("worker_1"), {**registration("h"), "n_counts": 1}, "n_counts", "n_count"),
        (
            registration_url("worker_1"),
            {**registration("h"), "node_0": {**node("h"), "log_msg": True}},
            "node_0.log_msg",
            "log_msgs",
        ),
        (TAGS, {"train": [["x"]], "evaluat": [["y"]]}, "evaluat", "evaluate"),
        (RUNS, {"run_id": "r", "momentun": 0.9}, "momentun", "momentum"),
        (RUNS, {"run_id": "r", "rouns": 5}, "rouns", "rounds"),
        (RUNS, {"run_id": "r", "learning_rate": 0.5}, "learning_rate", "lr"),
        (RUNS, {"run_id": "r", "batchsize": 8}, "batchsize", "batch_size"),
        (RUNS, {"run_id": "r", "class_weight": [1, 20]}, "class_weight", "weight"),
        (ALIGNMENTS_URL, {"auto_fixx": True}, "auto_fixx", "auto_fix"),
        (f"{MODELS_URL}/{E}/{R}", {"priorty": 1}, "priorty", "priority"),
        (f"{VALIDATIONS_URL}/{E}/{R}", {"log_msg": True}, "log_msg", "log_msgs"),
        (predictions_url("worker_1"), {"tags": {P: [["x"]]}, "verbos": True}, "verbos", "verbose"),
        (STUDIES, {**STUDY, "max_trials": 3}, "max_trials", "max_trial_num"),
        (
            STUDIES,
            {**STUDY, "search_space": {"lr": {"_type": "choice", "_value": [1], "_valu": 2}}},
            "search_space.lr._valu",
            "_value",
        ),
    ],
)
def test_a_key_that_nobody_reads_is_refused_with_the_near_miss(
    finished: Client, url: str, body: dict[str, Any], field: str, meant: str
) -> None:
    status, answer = finished.post(url, body)

    assert (status, answer.get("field")) == (417, field), answer
    assert f"did you mean {meant}" in answer["message"]


@pytest.mark.parametrize(
    ("url", "body", "field"),
    [
        (COLLABORATION_URL, {"x": 1}, "x"),
        (PROJECT_URL, {"colour": "red"}, "colour"),
        (EXPERIMENT_URL, {"layers": LAYERS}, "layers"),
        (RUN_URL, {"momentun": 0.9}, "momentun"),
        (f"{CONNECT}/participants/worker_1", {"mail": "a@b"}, "mail"),
        (registration_url("worker_1"), {"rolle": "guest"}, "rolle"),
        (TAGS, {"operations": {}}, "operations"),
    ],
)
def test_an_update_is_read_as_strictly(declared: Client, url: str, body: dict[str, Any], field: str) -> None:
    before = declared.data("GET", url)

    status, answer = declared.put(url, body)

    assert (status, answer.get("field")) == (417, field), answer
    assert declared.data("GET", url) == before


@pytest.mark.parametrize("url", [COLLABORATION_URL, PROJECT_URL, EXPERIMENT_URL, RUN_URL, TAGS])
def test_an_answer_can_be_sent_back(declared: Client, url: str) -> None:
    shown = declared.data("GET", url)

    assert declared.data("PUT", url, shown) == shown


def test_a_project_may_say_its_collaboration_as_the_originals_client_does(declared: Client) -> None:
    body = {"collab_id": COLLABORATION_URL.rpartition("/")[2], **PROJECT_BODY, "project_id": "p2"}

    assert declared.data("POST", f"{COLLABORATION_URL}/projects", body)["key"]["project_id"] == "p2"


@pytest.mark.parametrize(
    ("run", "field", "reason"),
    [
        ({"optimizer": "Adam", "momentum": 0.9}, "momentum", "Adam does not take it, RMSprop or SGD would"),
        ({"optimizer": "Adam", "nesterov": True}, "nesterov", "Adam does not take it, SGD would"),
        ({"betas": [0.9, 0.99]}, "betas", "SGD does not take it, Adam"),
        ({"lr_scheduler": "StepLR", "step_size": 3, "max_lr": 0.1}, "max_lr", "StepLR does not take it, CyclicLR"),
        ({"server_lr": 0.1}, "server_lr", "FedProx does not take it, FedAvgM"),
        ({"criterion": "MSELoss", "delta": 0.5, "beta": 0.5}, "beta", "MSELoss does not take it, SmoothL1Loss would"),
        ({"criterion": "HuberLoss", "delta": 0.5}, "delta", "early stopping"),
        ({"criterion.delta": 0.5}, "criterion.delta", "MSELoss does not take it, HuberLoss would"),
        ({"lr_scheduler.patients": 5}, "lr_scheduler.patients", "is not a field of this run"),
    ],
)
def test_a_key_that_this_run_does_not_take_is_refused(
    declared: Client, run: dict[str, Any], field: str, reason: str
) -> None:
    status, answer = declared.post(RUNS, {"run_id": "r", **run})

    assert (status, answer["field"]) == (417, field)
    assert reason in answer["message"]


def test_an_argument_can_be_said_to_its_owner(declared: Client) -> None:
    run = {
        "criterion": "HuberLoss",
        "criterion.delta": 2.0,
        "lr_scheduler": "ReduceLROnPlateau",
        "lr_scheduler.patience": 3,
    }

    shown = declared.data("POST", RUNS, {"run_id": "r", **run, "delta": 0.5})

    assert {name: shown[name] for name in run} == run


def test_a_weight_of_the_positives_says_which_loss_would_take_it(declared: Client) -> None:
    declared.data("PUT", PROJECT_URL, {"action": "classify"})

    status, answer = declared.post(RUNS, {"run_id": "r", "pos_weight": [20.0]})

    assert (status, answer["field"]) == (417, "pos_weight")
    assert "BCELoss does not take it, BCEWithLogitsLoss would (criterion)" in answer["message"]
    assert declared.data("POST", RUNS, {"run_id": "r", "criterion": "BCEWithLogitsLoss", "pos_weight": [20.0]})


@pytest.mark.parametrize(
    ("action", "criterion", "fits"),
    [
        ("regress", "CrossEntropyLoss", "MSELoss"),
        ("regress", "BCEWithLogitsLoss", "MSELoss"),
        ("regress", "KLDivLoss", "L1Loss"),
        ("regress", "CTCLoss", "HuberLoss"),
        ("classify", "TripletMarginLoss", "BCEWithLogitsLoss"),
        ("classify", "GaussianNLLLoss", "NLLLoss"),
    ],
)
def test_a_loss_that_cannot_fit_the_project_is_refused_with_those_that_do(
    declared: Client, action: str, criterion: str, fits: str
) -> None:
    declared.data("PUT", PROJECT_URL, {"action": action})

    status, answer = declared.post(RUNS, {"run_id": "r", "criterion": criterion})

    assert (status, answer["field"]) == (417, "criterion")
    assert fits in answer["message"]


@pytest.mark.parametrize(
    ("action", "criterion"),
    [
        # What the original's notebooks train with.
        ("classify", "L1Loss"),
        ("classify", "BCELoss"),
        ("classify", "NLLLoss"),
        ("regress", "MSELoss"),
        # What its client sends when nobody said anything.
        ("regress", "BCELoss"),
    ],
)
def test_the_losses_of_the_originals_notebooks_are_taken(declared: Client, action: str, criterion: str) -> None:
    declared.data("PUT", PROJECT_URL, {"action": action})

    assert declared.data("POST", RUNS, {"run_id": "r", "criterion": criterion, "base_lr": 0.0005, "max_lr": 0.005})


def test_what_the_originals_client_and_records_say_without_effect_is_taken(declared: Client) -> None:
    ignored: dict[str, Any] = {
        **{"is_condensed": True, "is_snn": False, "precision_fractional": 5, "input_size": 28, "output_size": 1},
        **{"use_CLR": True, "cumulative_delta": False, "last_epoch": -1, "lr_decay": 0.1, "mu": 0.1},
    }

    assert declared.data("POST", RUNS, {"run_id": "r", "algorithm": "FedAvg", **ignored})


def test_a_key_that_lost_its_meaning_can_be_dropped_with_null(declared: Client) -> None:
    declared.data("POST", RUNS, {"run_id": "r", "momentum": 0.9})

    status, answer = declared.put(f"{RUNS}/r", {"optimizer": "Adam"})
    assert (status, answer["field"]) == (417, "momentum")

    assert "momentum" not in declared.data("PUT", f"{RUNS}/r", {"optimizer": "Adam", "momentum": None})


def test_a_record_of_an_earlier_version_with_other_keys_can_be_changed(declared: Client, store: RecordStore) -> None:
    store.merge(Kind.PROJECT, RUN, {"colour": "red"})

    assert declared.data("PUT", PROJECT_URL, {"start_at": "2021"})["start_at"] == "2021"


@pytest.mark.parametrize("url", ["/ttp/jobs/{}/cancel", "/ttp/studies/{}/stop"])
def test_a_request_that_takes_nothing_refuses_what_it_is_given(finished: Client, url: str) -> None:
    status, answer = finished.post(url.format("0" * 32), {"force": True})

    assert (status, answer.get("field")) == (417, "force")
    assert finished.post(url.format("0" * 32), {})[0] == 404


@pytest.mark.parametrize(
    ("verb", "url", "parameter"),
    [
        ("GET", f"{RUNS}?limt=3", "limt"),
        ("GET", f"{RUN_URL}?fields=lr", "fields"),
        ("PUT", f"{RUN_URL}?dry_run=1", "dry_run"),
        ("DELETE", f"{RUN_URL}?force=true", "force"),
        ("POST", f"{RUNS}?limit=3", "limit"),
        ("POST", f"{MODELS_URL}/{E}/{R}?wait=false", "wait"),
        ("GET", "/ttp/jobs?stat=failed", "stat"),
        ("GET", "/ttp/studies?order=newest&order=oldest", "order"),
    ],
)
def test_a_query_parameter_without_effect_is_refused(finished: Client, verb: str, url: str, parameter: str) -> None:
    status, answer = finished.ask(verb, url, {} if verb in {"POST", "PUT"} else None)

    assert (status, answer.get("field")) == (417, parameter), answer
