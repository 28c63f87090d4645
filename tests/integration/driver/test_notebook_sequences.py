"""The call sequences of the original's notebooks send the requests that were recorded for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from fakes.recording_server import RecordingServer
from synergos import Driver


@dataclass(frozen=True)
class Notebook:
    name: str
    action: str
    layer: dict[str, Any]
    criterion: str
    folders: tuple[str, str, str]
    """Folder names for train, evaluate and predict; ``{i}`` is the participant's number."""


ABALONE = Notebook(
    "abalone",
    "regress",
    {
        "activation": "",
        "is_input": True,
        "l_type": "Linear",
        "structure": {"bias": True, "in_features": 28, "out_features": 1},
    },
    "MSELoss",
    ("train", "evaluate", "predict"),
)
HEART_DISEASE = Notebook(
    "heart_disease",
    "classify",
    {
        "activation": "sigmoid",
        "is_input": True,
        "l_type": "Linear",
        "structure": {"bias": True, "in_features": 13, "out_features": 1},
    },
    "NLLLoss",
    ("iid_{i}", "non_iid_{i}", "non_iid_{i}"),
)


def run(driver: Driver, book: Notebook) -> None:
    """The cells of ``<name>_synbasic.ipynb``."""
    ids: dict[str, Any] = {
        "collab_id": f"{book.name}_synbasic_collaboration",
        "project_id": f"{book.name}_synbasic_project",
    }
    combination = {**ids, "expt_id": f"{book.name}_synbasic_experiment", "run_id": f"{book.name}_synbasic_run"}

    driver.collaborations.create(ids["collab_id"])
    driver.projects.create(**ids, action=book.action, incentives={"tier_1": [], "tier_2": []})
    driver.experiments.create(**ids, expt_id=combination["expt_id"], model=[book.layer])
    driver.runs.create(**combination, rounds=2, epochs=1, base_lr=0.0005, max_lr=0.005, criterion=book.criterion)
    for number in (1, 2):
        driver.participants.create(participant_id=f"worker_{number}")
    for number, role in ((1, "host"), (2, "guest")):
        registration = driver.registrations
        registration.add_node(host=f"172.18.0.{number + 2}", port=8020, f_port=5000, log_msgs=True, verbose=True)
        registration.create(**ids, participant_id=f"worker_{number}", role=role)
    for number in (1, 2):
        train, evaluate, _ = (name.format(i=number) for name in book.folders)
        base = [book.name, "dataset", f"data{number}"]
        driver.tags.create(
            **ids, participant_id=f"worker_{number}", train=[[*base, train]], evaluate=[[*base, evaluate]]
        )
    driver.alignments.create(**ids, verbose=False, log_msg=False)
    driver.models.create(**combination, auto_align=True, dockerised=True, verbose=False)
    driver.validations.create(**combination, auto_align=True, dockerised=True, verbose=False, log_msg=False)
    for number in (1, 2):
        folder = book.folders[2].format(i=number)
        driver.predictions.create(
            tags={ids["project_id"]: [[book.name, "dataset", f"data{number}", folder]]},
            participant_id=f"worker_{number}",
            **combination,
            auto_align=True,
            dockerised=True,
            verbose=False,
            log_msg=False,
        )


def recorded(book: Notebook, registered: bool) -> list[tuple[str, str, Any]]:
    """Section 8 of the contract, with ``is_condensed`` sent, which the original forgot."""
    collaboration, project = f"{book.name}_synbasic_collaboration", f"{book.name}_synbasic_project"
    experiment, run_id = f"{book.name}_synbasic_experiment", f"{book.name}_synbasic_run"
    connect = f"/ttp/connect/collaborations/{collaboration}/projects/{project}"
    combination = f"{experiment}/{run_id}"
    options = {"auto_align": True, "dockerised": True, "verbose": False}
    hyperparameters = {
        "algorithm": "FedProx",
        "rounds": 2,
        "epochs": 1,
        "lr": 0.001,
        "weight_decay": 0.0,
        "lr_decay": 0.1,
        "mu": 0.1,
        "l1_lambda": 0.0,
        "l2_lambda": 0.0,
        "optimizer": "SGD",
        "criterion": book.criterion,
        "lr_scheduler": "CyclicLR",
        "delta": 0.0,
        "patience": 10,
        "seed": 42,
        "is_condensed": True,
        "is_snn": False,
        "precision_fractional": 5,
        "base_lr": 0.0005,
        "max_lr": 0.005,
    }
    declared = {"collab_id": collaboration, "project_id": project, "action": book.action}
    nobody = {"category": None, "summary": None, "phone": None, "email": None, "socials": None}
    expected: list[tuple[str, str, Any]] = [
        ("POST", "/ttp/connect/collaborations", {"collab_id": collaboration}),
        (
            "POST",
            f"/ttp/connect/collaborations/{collaboration}/projects",
            {**declared, "incentives": {"tier_1": [], "tier_2": []}},
        ),
        ("POST", f"{connect}/experiments", {"expt_id": experiment, "model": [book.layer]}),
        ("POST", f"{connect}/experiments/{experiment}/runs", {"run_id": run_id, **hyperparameters}),
        ("POST", "/ttp/connect/participants", {"id": "worker_1", **nobody}),
        ("POST", "/ttp/connect/participants", {"id": "worker_2", **nobody}),
    ]
    for number, role in ((1, "host"), (2, "guest")):
        registration = f"{connect}/participants/worker_{number}/registration"
        node = {"host": f"172.18.0.{number + 2}", "port": 8020, "f_port": 5000, "log_msgs": True, "verbose": True}
        expected.append(("GET", registration, None))
        if registered:
            expected.append(("DELETE", registration, None))
        expected.append(("POST", registration, {"role": role, "n_count": 1, "node_0": node}))
    for number in (1, 2):
        train, evaluate, _ = (name.format(i=number) for name in book.folders)
        base = [book.name, "dataset", f"data{number}"]
        body = {"train": [[*base, train]], "evaluate": [[*base, evaluate]], "predict": []}
        expected.append(("POST", f"{connect}/participants/worker_{number}/registration/tags", body))
    below = f"collaborations/{collaboration}/projects/{project}"
    expected += [
        ("POST", f"/ttp/train/{below}/alignments", {"auto_align": True, "auto_fix": True}),
        ("POST", f"/ttp/train/{below}/models/{combination}", {**options, "log_msgs": True}),
        ("POST", f"/ttp/evaluate/{below}/validations/{combination}", {**options, "log_msgs": False}),
    ]
    for number in (1, 2):
        tag = [book.name, "dataset", f"data{number}", book.folders[2].format(i=number)]
        path = f"/ttp/evaluate/participants/worker_{number}/collaborations/{collaboration}/predictions"
        prediction = {**options, "log_msgs": False, "tags": {project: [tag]}}
        expected.append(("POST", f"{path}/{project}/{combination}", prediction))
    return expected


@pytest.mark.parametrize("book", [ABALONE, HEART_DISEASE], ids=lambda book: book.name)
def test_a_notebook_sends_the_recorded_requests(driver: Driver, server: RecordingServer, book: Notebook) -> None:
    for _ in range(6):
        server.answer_next(201, {"status": 201, "data": {}})
    for _ in (1, 2):
        server.answer_next(404, {"message": "not registered"})
        server.answer_next(201, {"status": 201, "data": {}})
    run(driver, book)

    assert server.seen == recorded(book, registered=False)


@pytest.mark.parametrize("book", [ABALONE, HEART_DISEASE], ids=lambda book: book.name)
def test_a_notebook_run_again_replaces_its_registrations(
    driver: Driver, server: RecordingServer, book: Notebook
) -> None:
    run(driver, book)

    assert server.seen == recorded(book, registered=True)
