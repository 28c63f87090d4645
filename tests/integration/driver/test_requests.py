"""Every call of the driver is exactly one request of the contract."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from fakes.recording_server import RecordingServer
from synergos import Driver

C, T, E = "/ttp/connect", "/ttp/train", "/ttp/evaluate"
PROJECT = "/collaborations/c/projects/p"
LAYERS = [{"is_input": True, "l_type": "Linear", "structure": {}, "activation": ""}]
RUN_DEFAULTS = {
    "run_id": "r",
    "algorithm": "FedProx",
    "rounds": 10,
    "epochs": 100,
    "lr": 0.001,
    "weight_decay": 0.0,
    "lr_decay": 0.1,
    "mu": 0.1,
    "l1_lambda": 0.0,
    "l2_lambda": 0.0,
    "optimizer": "SGD",
    "criterion": "BCELoss",
    "delta": 0.0,
    "patience": 10,
    "seed": 42,
    "is_condensed": True,
    "is_snn": False,
    "precision_fractional": 5,
}
NOBODY = {"id": "w", "category": None, "summary": None, "phone": None, "email": None, "socials": None}
TRAIN_OPTIONS = {"auto_align": True, "dockerised": True, "verbose": True, "log_msgs": True}
EVALUATE_OPTIONS = {"auto_align": True, "dockerised": True, "verbose": False, "log_msgs": False}
SEARCH = {"lr": {"_type": "choice", "_value": [0.1, 0.2]}}
TUNING = {
    "search_space": SEARCH,
    "metric": "accuracy",
    "optimize_mode": "max",
    "trial_concurrency": 1,
    "max_exec_duration": "1h",
    "max_trial_num": 10,
    "is_remote": True,
    "use_annotation": True,
    **TRAIN_OPTIONS,
}
TAGS = [["d", "train"]]

Call = Callable[[Driver], Any]
CALLS: list[tuple[Call, str, str, Any]] = [
    (lambda d: d.collaborations.create("c"), "POST", f"{C}/collaborations", {"collab_id": "c"}),
    (lambda d: d.collaborations.create("c", x=1), "POST", f"{C}/collaborations", {"collab_id": "c", "x": 1}),
    (lambda d: d.collaborations.read_all(), "GET", f"{C}/collaborations", None),
    (lambda d: d.collaborations.read("c"), "GET", f"{C}/collaborations/c", None),
    (lambda d: d.collaborations.update("c", x=1), "PUT", f"{C}/collaborations/c", {"x": 1}),
    (lambda d: d.collaborations.delete("c"), "DELETE", f"{C}/collaborations/c", None),
    (
        lambda d: d.projects.create("c", "p", "regress", {"tier_1": []}),
        "POST",
        f"{C}/collaborations/c/projects",
        {"collab_id": "c", "project_id": "p", "action": "regress", "incentives": {"tier_1": []}},
    ),
    (
        lambda d: d.projects.create("c", "p", "regress", {}, start_at="2021", universe_alignment=["a"]),
        "POST",
        f"{C}/collaborations/c/projects",
        {
            "collab_id": "c",
            "project_id": "p",
            "action": "regress",
            "incentives": {},
            "universe_alignment": ["a"],
            "start_at": "2021",
        },
    ),
    (lambda d: d.projects.read_all("c"), "GET", f"{C}/collaborations/c/projects", None),
    (lambda d: d.projects.read("c", "p"), "GET", C + PROJECT, None),
    (lambda d: d.projects.update("c", "p", action="classify"), "PUT", C + PROJECT, {"action": "classify"}),
    (lambda d: d.projects.delete("c", "p"), "DELETE", C + PROJECT, None),
    (
        lambda d: d.experiments.create("c", "p", "e", LAYERS),
        "POST",
        f"{C}{PROJECT}/experiments",
        {"expt_id": "e", "model": LAYERS},
    ),
    (
        lambda d: d.experiments.create("c", "p", "e", LAYERS, family="layers"),
        "POST",
        f"{C}{PROJECT}/experiments",
        {"expt_id": "e", "model": LAYERS, "family": "layers"},
    ),
    (lambda d: d.experiments.read_all("c", "p"), "GET", f"{C}{PROJECT}/experiments", None),
    (lambda d: d.experiments.read("c", "p", "e"), "GET", f"{C}{PROJECT}/experiments/e", None),
    (lambda d: d.experiments.update("c", "p", "e", model=[]), "PUT", f"{C}{PROJECT}/experiments/e", {"model": []}),
    (lambda d: d.experiments.delete("c", "p", "e"), "DELETE", f"{C}{PROJECT}/experiments/e", None),
    (lambda d: d.runs.create("c", "p", "e", "r"), "POST", f"{C}{PROJECT}/experiments/e/runs", RUN_DEFAULTS),
    (
        lambda d: d.runs.create("c", "p", "e", "r", batch_size=8, is_condensed=False, max_lr=0.1),
        "POST",
        f"{C}{PROJECT}/experiments/e/runs",
        {**RUN_DEFAULTS, "batch_size": 8, "is_condensed": False, "lr_scheduler": "CyclicLR", "max_lr": 0.1},
    ),
    (lambda d: d.runs.read_all("c", "p", "e"), "GET", f"{C}{PROJECT}/experiments/e/runs", None),
    (lambda d: d.runs.read("c", "p", "e", "r"), "GET", f"{C}{PROJECT}/experiments/e/runs/r", None),
    (lambda d: d.runs.update("c", "p", "e", "r", lr=1), "PUT", f"{C}{PROJECT}/experiments/e/runs/r", {"lr": 1}),
    (lambda d: d.runs.delete("c", "p", "e", "r"), "DELETE", f"{C}{PROJECT}/experiments/e/runs/r", None),
    (lambda d: d.participants.create("w"), "POST", f"{C}/participants", NOBODY),
    (
        lambda d: d.participants.create("w", category=["x"], email="a@b"),
        "POST",
        f"{C}/participants",
        {**NOBODY, "category": ["x"], "email": "a@b"},
    ),
    (lambda d: d.participants.read_all(), "GET", f"{C}/participants", None),
    (lambda d: d.participants.read("w"), "GET", f"{C}/participants/w", None),
    (lambda d: d.participants.update("w"), "PUT", f"{C}/participants/w", {}),
    (lambda d: d.participants.delete("w"), "DELETE", f"{C}/participants/w", None),
    (lambda d: d.registrations.read("c", "p", "w"), "GET", f"{C}{PROJECT}/participants/w/registration", None),
    (
        lambda d: d.registrations.update("c", "p", "w", role="guest"),
        "PUT",
        f"{C}{PROJECT}/participants/w/registration",
        {"role": "guest"},
    ),
    (lambda d: d.registrations.delete("c", "p", "w"), "DELETE", f"{C}{PROJECT}/participants/w/registration", None),
    (lambda d: d.registrations.read_all("c"), "GET", f"{C}/collaborations/c/registrations", None),
    (lambda d: d.registrations.read_all("c", "p"), "GET", f"{C}{PROJECT}/registrations", None),
    (
        lambda d: d.registrations.read_all(participant_id="w"),
        "GET",
        f"{C}/participants/w/registrations",
        None,
    ),
    (
        lambda d: d.registrations.read_all("c", participant_id="w"),
        "GET",
        f"{C}/participants/w/collaborations/c/registrations",
        None,
    ),
    (
        lambda d: d.registrations.read_all("c", "p", "w"),
        "GET",
        f"{C}{PROJECT}/participants/w/registration",
        None,
    ),
    (
        lambda d: d.tags.create("c", "p", "w", TAGS),
        "POST",
        f"{C}{PROJECT}/participants/w/registration/tags",
        {"train": TAGS, "evaluate": [], "predict": []},
    ),
    (
        lambda d: d.tags.create("c", "p", "w", TAGS, TAGS, TAGS, model=["m"], hyperparameters=["h"]),
        "POST",
        f"{C}{PROJECT}/participants/w/registration/tags",
        {"train": TAGS, "evaluate": TAGS, "predict": TAGS, "model": ["m"], "hyperparameters": ["h"]},
    ),
    (lambda d: d.tags.read("c", "p", "w"), "GET", f"{C}{PROJECT}/participants/w/registration/tags", None),
    (
        lambda d: d.tags.update("c", "p", "w", train=TAGS),
        "PUT",
        f"{C}{PROJECT}/participants/w/registration/tags",
        {"train": TAGS},
    ),
    (lambda d: d.tags.delete("c", "p", "w"), "DELETE", f"{C}{PROJECT}/participants/w/registration/tags", None),
    (
        lambda d: d.alignments.create("c", "p", verbose=False, log_msg=False),
        "POST",
        f"{T}{PROJECT}/alignments",
        {"auto_align": True, "auto_fix": True},
    ),
    (lambda d: d.alignments.read("c", "p"), "GET", f"{T}{PROJECT}/alignments", None),
    (lambda d: d.models.create("c", "p"), "POST", f"{T}{PROJECT}/models", TRAIN_OPTIONS),
    (lambda d: d.models.create("c", "p", priority=5), "POST", f"{T}{PROJECT}/models", {**TRAIN_OPTIONS, "priority": 5}),
    (
        lambda d: d.alignments.create("c", "p", priority=-5),
        "POST",
        f"{T}{PROJECT}/alignments",
        {"auto_align": True, "auto_fix": True, "priority": -5},
    ),
    (lambda d: d.models.create("c", "p", "e"), "POST", f"{T}{PROJECT}/models/e", TRAIN_OPTIONS),
    (lambda d: d.models.create("c", "p", "e", "r"), "POST", f"{T}{PROJECT}/models/e/r", TRAIN_OPTIONS),
    (
        lambda d: d.models.create("c", "p", "e", "r", verbose=False, log_msg=False),
        "POST",
        f"{T}{PROJECT}/models/e/r",
        {**TRAIN_OPTIONS, "verbose": False, "log_msgs": False},
    ),
    (lambda d: d.models.read("c", "p"), "GET", f"{T}{PROJECT}/models", None),
    (
        lambda d: d.models.read("c", "p", "e", limit=2, cursor="x"),
        "GET",
        f"{T}{PROJECT}/models/e?limit=2&cursor=x",
        None,
    ),
    (lambda d: d.models.artifacts("c", "p", "e", "r"), "GET", f"{T}{PROJECT}/models/e/r/artifacts", None),
    (lambda d: d.models.read("c", "p", "e", "r"), "GET", f"{T}{PROJECT}/models/e/r", None),
    (
        lambda d: d.optimizations.create("c", "p", "e", SEARCH, "accuracy", "max"),
        "POST",
        f"{T}{PROJECT}/models/e/optimizations/",
        TUNING,
    ),
    (
        lambda d: d.optimizations.create("c", "p", "e", SEARCH, "accuracy", "max", backend="tune", log_msg=False),
        "POST",
        f"{T}{PROJECT}/models/e/optimizations/",
        {**TUNING, "backend": "tune", "log_msgs": False},
    ),
    (lambda d: d.optimizations.read("c", "p", "e"), "GET", f"{T}{PROJECT}/models/e/optimizations/", None),
    (lambda d: d.validations.create("c", "p"), "POST", f"{E}{PROJECT}/validations", EVALUATE_OPTIONS),
    (lambda d: d.validations.create("c", "p", "e"), "POST", f"{E}{PROJECT}/validations/e", EVALUATE_OPTIONS),
    (lambda d: d.validations.create("c", "p", "e", "r"), "POST", f"{E}{PROJECT}/validations/e/r", EVALUATE_OPTIONS),
    (
        lambda d: d.validations.create("c", "p", "e", "r", "w", log_msg=True),
        "POST",
        f"{E}{PROJECT}/validations/e/r/w",
        {**EVALUATE_OPTIONS, "log_msgs": True},
    ),
    (lambda d: d.validations.read("c", "p"), "GET", f"{E}{PROJECT}/validations", None),
    (lambda d: d.validations.read("c", "p", "e", "r", "w"), "GET", f"{E}{PROJECT}/validations/e/r/w", None),
    (
        lambda d: d.predictions.create({"p": TAGS}, "w", "c"),
        "POST",
        f"{E}/participants/w/collaborations/c/predictions",
        {**EVALUATE_OPTIONS, "tags": {"p": TAGS}},
    ),
    (
        lambda d: d.predictions.create({"p": TAGS}, "w", "c", "p", "e", "r"),
        "POST",
        f"{E}/participants/w/collaborations/c/predictions/p/e/r",
        {**EVALUATE_OPTIONS, "tags": {"p": TAGS}},
    ),
    (lambda d: d.predictions.read("w", "c"), "GET", f"{E}/participants/w/collaborations/c/predictions", None),
    (
        lambda d: d.predictions.read("w", "c", "p", "e", "r"),
        "GET",
        f"{E}/participants/w/collaborations/c/predictions/p/e/r",
        None,
    ),
    (lambda d: d.jobs.read_all(), "GET", "/ttp/jobs", None),
    (
        lambda d: d.jobs.read_all(limit=5, order="newest", fields=["state", "error"], cursor=None),
        "GET",
        "/ttp/jobs?limit=5&order=newest&fields=state%2Cerror",
        None,
    ),
    (lambda d: d.runs.read_all("c", "p", "e", cursor="x"), "GET", f"{C}{PROJECT}/experiments/e/runs?cursor=x", None),
    (lambda d: d.jobs.read_all(state="running", project_id="p"), "GET", "/ttp/jobs?state=running&project_id=p", None),
    (lambda d: d.jobs.read("j"), "GET", "/ttp/jobs/j", None),
    (lambda d: d.jobs.cancel("j"), "POST", "/ttp/jobs/j/cancel", {}),
    (lambda d: d.participants.read("müller & co/x"), "GET", f"{C}/participants/m%C3%BCller%20%26%20co%2Fx", None),
]


@pytest.mark.parametrize(
    ("call", "method", "path", "body"), CALLS, ids=lambda value: value if isinstance(value, str) else ""
)
def test_a_call_sends_exactly_this_request(
    driver: Driver, server: RecordingServer, call: Call, method: str, path: str, body: object
) -> None:
    answer = call(driver)

    assert server.seen == [(method, path, body)]
    assert answer["status"] == 200


def test_configured_services_go_into_the_next_create_only(driver: Driver, server: RecordingServer) -> None:
    task = driver.collaborations
    task.configure_catalogue("h", 1)
    task.configure_meter("h", 2, ui_port=3, secure=True)
    task.configure_mlops("h", 4, 5)
    task.configure_mq("h", 6, 7)
    task.configure_logger("h", 9000, 9100, 9200, 9300, 9400, ui_port=9000)
    task.create("c")
    task.create("c")

    ports = {"main": 9000, "ui": 9000, "sysmetrics": 9100, "director": 9200, "ttp": 9300, "worker": 9400}
    assert server.requests[0].body == {
        "collab_id": "c",
        "catalogue": {"host": "h", "ports": {"main": 1, "ui": 0}, "secure": False},
        "meter": {"host": "h", "ports": {"main": 2, "ui": 3}, "secure": True},
        "mlops": {"host": "h", "ports": {"main": 4, "ui": 5}, "secure": False},
        "mq": {"host": "h", "ports": {"main": 6, "ui": 7}, "secure": False},
        "logs": {"host": "h", "ports": ports, "secure": False},
    }
    assert server.requests[1].body == {"collab_id": "c"}


def test_configured_services_go_into_the_next_update_only(driver: Driver, server: RecordingServer) -> None:
    task = driver.collaborations
    task.configure_mq("h", 1)
    task.update("c", x=1)
    task.update("c")

    assert server.requests[0].body == {"mq": {"host": "h", "ports": {"main": 1, "ui": 0}, "secure": False}, "x": 1}
    assert server.requests[1].body == {}


REGISTRATION = f"{C}{PROJECT}/participants/w/registration"
NODE = {"host": "h", "port": 8020, "f_port": 5000, "log_msgs": True, "verbose": False}


def test_a_first_registration_is_looked_for_and_posted(driver: Driver, server: RecordingServer) -> None:
    server.answer_next(404, {"message": "none"})
    task = driver.registrations
    task.add_node("h", 8020, 5000, log_msgs=True)
    task.create("c", "p", "w", "host")

    assert server.seen == [
        ("GET", REGISTRATION, None),
        ("POST", REGISTRATION, {"role": "host", "n_count": 1, "node_0": NODE}),
    ]
    assert task.count_nodes() == 0


def test_an_earlier_registration_is_deleted_before_the_new_one(driver: Driver, server: RecordingServer) -> None:
    task = driver.registrations
    task.add_node("h", 8020, 5000, log_msgs=True)
    task.add_node("h2", 8020, 5000, log_msgs=True)
    task.create("c", "p", "w", role="guest")

    assert [request.method for request in server.requests] == ["GET", "DELETE", "POST"]
    assert server.requests[2].body == {"role": "guest", "n_count": 2, "node_0": NODE, "node_1": {**NODE, "host": "h2"}}


def test_a_missing_earlier_registration_is_no_error_to_raise(server: RecordingServer) -> None:
    server.answer_next(404, {"message": "none"})
    with Driver("127.0.0.1", server.port, raise_errors=True) as driver:
        task = driver.registrations
        task.add_node("h", 8020, 5000)

        assert task.create("c", "p", "w", "host")["status"] == 200
