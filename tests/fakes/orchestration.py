"""A grid without workers: an orchestrator's app whose jobs end at once, with results that were made beforehand."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import msgspec
from flask.testing import FlaskClient

from synergos.domain.job import Job, JobError, JobState, Stage
from synergos.domain.keys import RunKey
from synergos.domain.outputs import read_outputs
from synergos.domain.records import Kind
from synergos.domain.trained_model import definition_of
from synergos.errors import Conflict
from synergos.orchestration.dispatcher import FOREVER, Wait
from synergos.records import RecordStore, archive

C, P, E, R = "abalone_collaboration", "abalone_project", "abalone_experiment", "abalone_run"
PROJECT = {"collab_id": C, "project_id": P}
RUN = {**PROJECT, "expt_id": E, "run_id": R}
LAYERS = [
    {
        "activation": "",
        "is_input": True,
        "l_type": "Linear",
        "structure": {"bias": True, "in_features": 28, "out_features": 1},
    }
]
FITTED = [{**LAYERS[0], "structure": {"bias": True, "in_features": 10, "out_features": 1}}]
SPACE = {
    "datatype": "tabular",
    "action": "regress",
    "X": [["age", None]],
    "y": [["target", None]],
    "input_shape": [1],
    "numeric": {"age": {"minimum": 0.0, "maximum": 1.0, "mean": 0.5}},
    "categorical": {},
    "options": {},
}
HYPERPARAMETERS = {
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
    "criterion": "MSELoss",
    "lr_scheduler": "CyclicLR",
    "delta": 0.0,
    "patience": 10,
    "seed": 42,
    "is_snn": False,
    "precision_fractional": 5,
    "base_lr": 0.0005,
    "max_lr": 0.005,
}
NOTE = "columns: only worker_1 has 'age'"
SHARE = {
    "columns": ["age", "target"],
    "inputs": ["age"],
    "rules": {},
    "tables": {
        "train": {
            "rows": 9,
            "files": {},
            "digests": ["k.1"],
            "filled": [],
            "lacks": [],
            "unused": [["late", None]],
            "cells": {"age": {"missing": 1, "unreadable": 0, "filled": 1}},
        }
    },
}
STATISTICS = {"R2": -11.412, "MSE": 117.059, "MAE": 10.357}


def node(host: str) -> dict[str, Any]:
    return {"host": host, "port": 8020, "f_port": 5000, "log_msgs": True, "verbose": True}


def registration(host: str, role: str = "host") -> dict[str, Any]:
    return {"role": role, "n_count": 1, "node_0": node(host)}


def tags(name: str) -> dict[str, Any]:
    return {"train": [["abalone", name, "train"]], "evaluate": [["abalone", name, "evaluate"]], "predict": []}


def participants_of(store: RecordStore, keys: Mapping[str, str]) -> list[str]:
    project = {name: keys[name] for name in PROJECT}
    return [record["key"]["participant_id"] for record in store.find(Kind.REGISTRATION, project)]


def outputs_of(store: RecordStore, job: Job) -> dict[str, Any]:
    """What the stage of ``job`` would have made."""
    everyone = participants_of(store, job.keys)
    wanted = [job.keys["participant_id"]] if "participant_id" in job.keys else everyone
    if job.stage in {Stage.CHECK, Stage.PREPROCESS}:
        experiments = store.find(Kind.EXPERIMENT, {name: job.keys[name] for name in PROJECT})
        agreed = {
            "spacers": {who: {purpose: {"X": [], "y": []} for purpose in ("train", "evaluate")} for who in everyone},
            "feature_space": SPACE,
            "fitted": {record["key"]["expt_id"]: FITTED for record in experiments},
            "agreement": {"notes": [{"text": NOTE}], "participants": dict.fromkeys(everyone, SHARE)},
        }
        return agreed if job.stage is Stage.CHECK else {**agreed, "auto_fix": True}
    folder = "/outputs/" + "/".join(job.keys[name] for name in RUN)
    if job.stage is Stage.TRAIN:
        return {
            "global": _export("ttp", folder, "global"),
            **{f"local_{n}": _export(who, folder, f"local_{who}") for n, who in enumerate(everyone, 1)},
            "architecture": FITTED,
            "feature_space": SPACE,
            "hyperparameters": HYPERPARAMETERS,
            **_training(store, job),
        }
    purpose = "evaluate" if job.stage is Stage.VALIDATE else "predict"
    results = {who: {purpose: {"statistics": STATISTICS, "res_path": f"{folder}/{purpose}.json"}} for who in wanted}
    if job.stage is Stage.VALIDATE:
        return results
    asked = {"tags": {"predict": job.parameters["tags"]}, "alignment": {"predict": {"X": [], "y": []}}}
    return {who: {**result, **asked} for who, result in results.items()}


def _training(store: RecordStore, job: Job) -> dict[str, Any]:
    before = [int(record["key"]["version"]) for record in store.find(Kind.MODEL_VERSION, RunKey.of(job.keys))]
    experiment = store.get(Kind.EXPERIMENT, job.keys)
    return {
        "version": max(before, default=0) + 1,
        "kept_versions": before[-2:],
        "job": job.id,
        "trained_at": job.created_at.isoformat(),
        "definition": msgspec.to_builtins(definition_of(experiment, store.get(Kind.RUN, job.keys))),
        "participants": [{"id": who, "rows": {"train": 3}} for who in participants_of(store, job.keys)],
        "figures": {"rounds": 2, "best_round": 1, "train_loss": 0.5},
    }


def _export(origin: str, folder: str, name: str) -> dict[str, str]:
    return {"origin": origin, "path": f"{folder}/{name}_model.pt", "loss_history": f"{folder}/{name}_loss_history.json"}


def finish(store: RecordStore, job: Job) -> Job:
    """Do the job: start it, and archive what it would have made."""
    started = job.started()
    store.save_job(started)
    return archive(store, started, read_outputs(job.stage, outputs_of(store, job)))


def fail(kind: str, message: str, **where: str) -> Callable[[RecordStore, Job], Job]:
    """A way to do jobs that ends in this error."""

    def end(store: RecordStore, job: Job) -> Job:
        store.save_job(job.started().ended(JobState.FAILED, JobError(kind, message, **where)))
        return store.job(job.id)

    return end


def leave(store: RecordStore, job: Job) -> Job:
    """Put the job on a queue."""
    return job


@dataclass
class CannedDispatcher:
    """A dispatcher that does each job the way it is told to."""

    store: RecordStore
    do: Callable[[RecordStore, Job], Job] = finish
    submitted: list[Job] = field(default_factory=list)

    def submit(self, jobs: Sequence[Job], *, wait: Wait | None = FOREVER) -> list[Job]:
        self.submitted.extend(jobs)
        return [self.do(self.store, job) for job in jobs] if wait else list(jobs)

    def waits(self) -> dict[str, dict[str, Any]]:
        line = [job.id for job in self.store.jobs() if not job.state.is_final]
        return {
            job: {"waiting_for": before, "position": position}
            for position, (before, job) in enumerate(pairwise(line), start=1)
        }

    def cancel(self, job_id: str) -> Job:
        job = self.store.job(job_id)
        if job.state.is_final:
            raise Conflict(f"job {job_id} is {job.state} already")
        self.store.save_job(job.ended(JobState.CANCELLED))
        return self.store.job(job_id)


@dataclass
class Client:
    """What the driver does, without the network: a body's answer as status and JSON object."""

    http: FlaskClient

    def ask(self, verb: str, url: str, body: Any = None) -> tuple[int, dict[str, Any]]:
        response = self.http.open(url, method=verb, json=body) if body is not None else self.http.open(url, method=verb)
        answer = response.get_json()
        assert isinstance(answer, dict), f"{verb} {url} answered {response.data!r}"
        if "status" in answer and url != "/health":
            assert answer["status"] == response.status_code
        return response.status_code, answer

    def get(self, url: str) -> tuple[int, dict[str, Any]]:
        return self.ask("GET", url)

    def post(self, url: str, body: Any) -> tuple[int, dict[str, Any]]:
        return self.ask("POST", url, body)

    def put(self, url: str, body: Any) -> tuple[int, dict[str, Any]]:
        return self.ask("PUT", url, body)

    def delete(self, url: str) -> tuple[int, dict[str, Any]]:
        return self.ask("DELETE", url)

    def data(self, verb: str, url: str, body: Any = None) -> Any:
        status, answer = self.ask(verb, url, body)
        assert status in {200, 201}, answer
        return answer["data"]


CONNECT = "/ttp/connect"
COLLABORATION_URL = f"{CONNECT}/collaborations/{C}"
PROJECT_URL = f"{COLLABORATION_URL}/projects/{P}"
EXPERIMENT_URL = f"{PROJECT_URL}/experiments/{E}"
RUN_URL = f"{EXPERIMENT_URL}/runs/{R}"
ALIGNMENTS_URL = f"/ttp/train/collaborations/{C}/projects/{P}/alignments"
MODELS_URL = f"/ttp/train/collaborations/{C}/projects/{P}/models"
VALIDATIONS_URL = f"/ttp/evaluate/collaborations/{C}/projects/{P}/validations"


def registration_url(participant: str) -> str:
    return f"{PROJECT_URL}/participants/{participant}/registration"


TAGS_URL = f"{registration_url('worker_1')}/tags"


def predictions_url(participant: str) -> str:
    return f"/ttp/evaluate/participants/{participant}/collaborations/{C}/predictions"


PREDICTIONS_URL = predictions_url("worker_1")
PREDICT = {"tags": {P: [["abalone", "new"]]}}


def body_for(url: str) -> dict[str, Any]:
    """What a stage has to be asked with."""
    return PREDICT if "/predictions" in url else {}


def declare(client: Client) -> None:
    """All that is declared before the first stage: one run of one experiment, and two participants."""
    client.data("POST", f"{CONNECT}/collaborations", {"collab_id": C})
    project = {"collab_id": C, "project_id": P, "action": "regress", "incentives": {"tier_1": [], "tier_2": []}}
    client.data("POST", f"{COLLABORATION_URL}/projects", project)
    client.data("POST", f"{PROJECT_URL}/experiments", {"expt_id": E, "model": LAYERS})
    client.data("POST", f"{EXPERIMENT_URL}/runs", {"run_id": R, **HYPERPARAMETERS})
    for number, who in enumerate(("worker_1", "worker_2"), 1):
        participant = {"id": who, **dict.fromkeys(("category", "summary", "phone", "email", "socials"))}
        client.data("POST", f"{CONNECT}/participants", participant)
        client.data("POST", registration_url(who), registration(f"172.18.0.{number + 2}"))
        client.data("POST", f"{registration_url(who)}/tags", tags(f"data{number}"))


def go_through_all_stages(client: Client) -> None:
    """Align, train, validate, and predict for the first participant."""
    client.data("POST", ALIGNMENTS_URL, {})
    client.data("POST", f"{MODELS_URL}/{E}/{R}", {})
    client.data("POST", f"{VALIDATIONS_URL}/{E}/{R}", {})
    predict = {"tags": {P: [["abalone", "data1", "predict"]]}}
    client.data("POST", f"{predictions_url('worker_1')}/{P}/{E}/{R}", predict)


NOBODY = dict.fromkeys(("category", "summary", "phone", "email", "socials"))
SWITCHES = {"auto_align": True, "dockerised": True, "verbose": False, "log_msgs": True}


def register(client: Client, who: str, role: str, host: str) -> None:
    """What the driver does: an old registration is deleted first."""
    url = registration_url(who)
    if client.get(url)[1].get("status") == 200:
        assert client.delete(url)[0] == 200
    body = {"role": role, "n_count": 1, "node_0": node(host)}
    assert client.post(url, body)[0] == 201


def go_through_the_notebook(client: Client) -> list[Any]:
    post, scope = client.post, f"{E}/{R}"
    assert post(f"{CONNECT}/collaborations", {"collab_id": C})[0] == 201
    project = {"collab_id": C, "project_id": P, "action": "regress", "incentives": {"tier_1": [], "tier_2": []}}
    assert post(f"{COLLABORATION_URL}/projects", project)[0] == 201
    assert post(f"{PROJECT_URL}/experiments", {"expt_id": E, "model": LAYERS})[0] == 201
    assert post(f"{EXPERIMENT_URL}/runs", {"run_id": R, **HYPERPARAMETERS})[0] == 201
    for who in ("worker_1", "worker_2"):
        assert post(f"{CONNECT}/participants", {"id": who, **NOBODY})[0] == 201
    register(client, "worker_1", "host", "172.18.0.3")
    register(client, "worker_2", "guest", "172.18.0.4")
    for who, name in (("worker_1", "data1"), ("worker_2", "data2")):
        assert post(f"{registration_url(who)}/tags", tags(name))[0] == 201

    results = [
        post(ALIGNMENTS_URL, {"auto_align": True, "auto_fix": True}),
        post(f"{MODELS_URL}/{scope}", SWITCHES),
        post(f"{VALIDATIONS_URL}/{scope}", {**SWITCHES, "log_msgs": False}),
    ]
    for who, name in (("worker_1", "data1"), ("worker_2", "data2")):
        body = {**SWITCHES, "tags": {P: [["abalone", name, "predict"]]}}
        results.append(post(f"{predictions_url(who)}/{P}/{scope}", body))
    return results
