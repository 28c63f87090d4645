"""The request sequences of the original's notebooks, byte for byte as its client sends them."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from support.waiting import until

SHIPPED = Path(__file__).resolve().parents[3] / "shared" / "datasets"
"""The original's example data, where there is any."""

Body = dict[str, Any]


@dataclass(frozen=True)
class Notebook:
    """What differs between the notebooks of two datasets.

    Attributes:
        run: hyperparameters other than the notebook's own.
    """

    dataset: str
    action: str
    inputs: int
    activation: str
    criterion: str
    train: tuple[str, str]
    evaluate: tuple[str, str]
    predict: tuple[str, str]
    run: Mapping[str, Any] = field(default_factory=dict)

    def ids(self, deployment: str) -> tuple[str, str, str, str]:
        """What a deployment's notebook calls its collaboration, project, experiment and run."""
        name = f"{self.dataset}_{deployment}"
        return (f"{name}_collaboration", f"{name}_project", f"{name}_experiment", f"{name}_run")

    def tag(self, number: int, folders: tuple[str, str]) -> list[list[str]]:
        """A participant's folder as a tag; one of each pair is its own."""
        return [[self.dataset, "dataset", f"data{number}", folders[number - 1]]]


ABALONE = Notebook(
    "abalone", "regress", 28, "", "MSELoss", ("train", "train"), ("evaluate", "evaluate"), ("predict", "predict")
)
HEART_DISEASE = Notebook(
    "heart_disease",
    "classify",
    13,
    "sigmoid",
    "NLLLoss",
    ("iid_1", "iid_2"),
    ("non_iid_1", "non_iid_2"),
    ("non_iid_1", "non_iid_2"),
)


@dataclass(frozen=True)
class Node:
    """Where a participant's worker is."""

    host: str
    data_port: int = 8020
    port: int = 5000


@dataclass(frozen=True)
class Deployment:
    """A running grid as a notebook knows it.

    Attributes:
        name: ``synbasic``, ``synplus`` or ``syncluster``; part of all ids.
        address: of the TTP or director.
        nodes: the workers of each participant, one for every sub-grid.
        components: what the collaboration is told about the log server, MLflow and the queue.
        is_queued: a director's stage requests answer before their work is done.
    """

    name: str
    address: str
    nodes: Sequence[Sequence[Node]]
    components: Mapping[str, Any] = field(default_factory=dict)
    is_queued: bool = False


def lay_out(data: Path) -> None:
    """Copy the original's example data to where its notebooks' tags name it."""
    for notebook in (ABALONE, HEART_DISEASE):
        shutil.copytree(SHIPPED / notebook.dataset, data / notebook.dataset / "dataset")


@dataclass
class OriginalClient:
    """Sends what the original's client sends: no headers of its own, no trailing slash, status ignored."""

    address: str

    def __call__(self, method: str, path: str, body: Body | None = None) -> Body:
        response = requests.request(method, f"{self.address}/ttp/{path}", json=body, timeout=120)
        answer: Body = response.json()
        return answer


@dataclass(frozen=True)
class Cycle:
    """A notebook on a grid, cell by cell."""

    grid: Deployment
    notebook: Notebook

    @property
    def ids(self) -> tuple[str, str, str, str]:
        """Its collaboration, project, experiment and run."""
        return self.notebook.ids(self.grid.name)

    @property
    def send(self) -> OriginalClient:
        """Sends its requests."""
        return OriginalClient(self.grid.address)

    @property
    def project(self) -> str:
        """Where its project is below each part of the interface."""
        collaboration, project, *_ = self.ids
        return f"collaborations/{collaboration}/projects/{project}"

    def declare(self) -> dict[str, Body]:
        """Everything up to the tags; the answers by what was declared."""
        notebook, send, project = self.notebook, self.send, self.project
        c, p, e, r = self.ids
        layer = {
            "activation": notebook.activation,
            "is_input": True,
            "l_type": "Linear",
            "structure": {"bias": True, "in_features": notebook.inputs, "out_features": 1},
        }
        run = {
            **{"run_id": r, "algorithm": "FedProx", "rounds": 2, "epochs": 1, "lr": 0.001, "weight_decay": 0.0},
            **{"lr_decay": 0.1, "mu": 0.1, "l1_lambda": 0.0, "l2_lambda": 0.0, "optimizer": "SGD"},
            **{"criterion": notebook.criterion, "lr_scheduler": "CyclicLR", "delta": 0.0, "patience": 10, "seed": 42},
            **{"is_snn": False, "precision_fractional": 5, "base_lr": 0.0005, "max_lr": 0.005},
            **notebook.run,
        }
        incentives: Body = {"tier_1": [], "tier_2": []}
        answers = {
            "collaboration": send("POST", "connect/collaborations", {"collab_id": c, **self.grid.components}),
            "project": send(
                "POST",
                f"connect/collaborations/{c}/projects",
                {"collab_id": c, "project_id": p, "action": notebook.action, "incentives": incentives},
            ),
            "experiment": send("POST", f"connect/{project}/experiments", {"expt_id": e, "model": [layer]}),
            "run": send("POST", f"connect/{project}/experiments/{e}/runs", run),
        }
        nothing = dict.fromkeys(("category", "summary", "phone", "email", "socials"))
        for number, (nodes, role) in enumerate(zip(self.grid.nodes, ("host", "guest"), strict=True), start=1):
            who = f"worker_{number}"
            answers[who] = send("POST", "connect/participants", {"id": who, **nothing})
            place = f"connect/{project}/participants/{who}/registration"
            if send("GET", place).get("status") == 200:
                send("DELETE", place)
            chatter = {"log_msgs": True, "verbose": True}
            registered = {
                f"node_{index}": {"host": node.host, "port": node.data_port, "f_port": node.port, **chatter}
                for index, node in enumerate(nodes)
            }
            registration = {"role": role, "n_count": len(nodes), **registered}
            answers[f"registration {number}"] = send("POST", place, registration)
        for number in (1, 2):
            tags = {
                "train": notebook.tag(number, notebook.train),
                "evaluate": notebook.tag(number, notebook.evaluate),
                "predict": [],
            }
            place = f"connect/{project}/participants/worker_{number}/registration/tags"
            answers[f"tag {number}"] = send("POST", place, tags)
        return answers

    def align(self) -> Body:
        """POST alignments."""
        return self._stage(f"train/{self.project}/alignments", {"auto_align": True, "auto_fix": True})

    def train(self) -> Body:
        """POST models."""
        return self._stage(f"train/{self.project}/models/{'/'.join(self.ids[2:])}", _options(log_msgs=True))

    def tune(self) -> Body:
        """POST optimizations, which only a cluster's notebook does: two trials, once both have been validated."""
        url = f"train/{self.project}/models/{self.ids[2]}/optimizations/"
        values = {
            **{"rounds": [1, 2], "epochs": [1, 2], "lr": [0.0001, 0.1], "base_lr": [5e-05], "max_lr": [0.2]},
            "batch_size": [450, 512] if self.notebook.dataset == "abalone" else [32, 64],
            "criterion": [self.notebook.criterion],
        }
        space: Body = {name: {"_type": "choice", "_value": value} for name, value in values.items()}
        body = {
            "search_space": {**space, "mu": {"_type": "uniform", "_value": [0.0, 1.0]}},
            **{"metric": "accuracy", "optimize_mode": "max", "trial_concurrency": 1, "max_exec_duration": "1h"},
            **{"max_trial_num": 2, "is_remote": True, "use_annotation": True, "auto_align": True, "dockerised": True},
            **{"verbose": True, "log_msgs": True, "backend": "tune", "max_concurrent": 1},
        }
        before = len(self.send("GET", url).get("data", []))
        answer = self.send("POST", url, body)
        assert answer["success"] == 1, answer
        until(lambda: len(self.send("GET", url).get("data", [])) == before + 4, url, every=0.25)
        return self.send("GET", url)

    def validate(self) -> Body:
        """POST validations."""
        return self._stage(f"evaluate/{self.project}/validations/{'/'.join(self.ids[2:])}", _options())

    def predict(self, number: int) -> Body:
        """POST predictions of one participant."""
        collaboration, project, *_ = self.ids
        url = f"evaluate/participants/worker_{number}/collaborations/{collaboration}/predictions"
        tags = {project: self.notebook.tag(number, self.notebook.predict)}
        return self._stage(f"{url}/{'/'.join(self.ids[1:])}", {**_options(), "tags": tags})

    def fitted(self) -> Body:
        """The experiment, with the model that the alignment has fitted."""
        return self.send("GET", f"connect/{self.project}/experiments/{self.ids[2]}")

    def _stage(self, url: str, body: Body) -> Body:
        """Ask, and get what comes of it: at once from a TTP; a director's clients ask until it is there."""
        answer = self.send("POST", url, body)
        if self.grid.is_queued:
            assert (answer["success"], answer["data"]) == (1, []), answer
            until(lambda: bool(self.send("GET", url).get("data")), url, every=0.1)
            return self.send("GET", url)
        return answer


def _options(*, log_msgs: bool = False) -> Body:
    return {"auto_align": True, "dockerised": True, "verbose": False, "log_msgs": log_msgs}


def run_notebook(grid: Deployment, notebook: Notebook) -> dict[str, Body]:
    """Everything a notebook does; what it got, by what it asked for."""
    cycle = Cycle(grid, notebook)
    return {
        **cycle.declare(),
        "alignments": cycle.align(),
        "models": cycle.train(),
        **({"optimizations": cycle.tune()} if grid.is_queued else {}),
        "validations": cycle.validate(),
        **{f"predictions {number}": cycle.predict(number) for number in (1, 2)},
        "fitted": cycle.fitted(),
    }


def refuse_errors(answers: dict[str, Body]) -> None:
    """Fail if one of the answers is an error."""
    assert {name: answer for name, answer in answers.items() if not answer.get("success")} == {}
