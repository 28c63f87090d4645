"""A worker serves whom its owner approves of, and nobody between the two can read what they say."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch

from grids.cluster_grid import Cluster, cluster, hand_in, jobs_of, wait_for_jobs
from grids.real_grid import ENDLESS, Aside, RealGrid, Study, started
from support.waiting import until
from support.wire_recorder import WireRecorder, recording
from synergos.identity.identity import FOLDER, read_identity, renew_identity
from synergos_simulator.datasets import Dataset
from synergos_simulator.state import Program


@dataclass
class Captured(RealGrid):
    """A grid with somebody on the way between the TTP and its workers."""

    recorder: WireRecorder

    def nodes(self) -> list[list[Program]]:
        def captured(program: Program) -> Program:
            ports = [self.recorder.in_front_of(program.name, port) for port in (program.port, program.data_port)]
            return replace(program, port=ports[0], data_port=ports[1])

        return [[captured(program)] for program in self.grid.workers]


@pytest.fixture
def held(tmp_path: Path, data: Path) -> Iterator[RealGrid]:
    """A grid whose workers approve of nobody yet, and whose folders whoever they serve may use."""
    with started(tmp_path, data, trust=(), worker_flags=("--unlisted", "allow")) as running:
        yield running


@pytest.fixture
def held_cluster(tmp_path: Path, data: Path) -> Iterator[Cluster]:
    """The same of a cluster."""
    with cluster(tmp_path, data, trust=(), worker_flags=("--unlisted", "allow")) as running:
        yield running


@pytest.fixture
def recorder() -> Iterator[WireRecorder]:
    with recording() as found:
        yield found


def fingerprint_of(grid: RealGrid) -> str:
    with urllib.request.urlopen(f"http://{grid.grid.ttp.host}:{grid.grid.ttp.port}/health", timeout=30) as answer:
        return str(json.load(answer)["fingerprint"])


def waiting(study: Study) -> list[dict[str, Any]]:
    found = [job["progress"].get("waiting_for") for job in study.jobs("preprocess")]
    return next((waits for waits in found if isinstance(waits, list)), [])


def test_a_first_contact_is_held_until_the_owner_approves_and_ends_when_it_is_revoked(
    held: RealGrid, breast_cancer: Dataset
) -> None:
    study = Study(held, breast_cancer, "held", run=ENDLESS)
    study.declare()
    own = fingerprint_of(held)

    aligning = Aside(study.align)
    until(lambda: len(waiting(study)) == 2, "both participants to be waited for")

    problems = [node["problem"] for node in held.driver.nodes.read_all()["data"]]
    told = {wait["participant"]: wait["reason"] for wait in waiting(study)}
    for who in ("worker_1", "worker_2"):
        assert f"synergos peer approve {own}" in told[who]
        assert f"synergos peer approve {own}" in held.log(who)
        [listed] = json.loads(held.command_at(who, "peer", "list", "--format", "json"))
        assert (listed["fingerprint"], listed["standing"]) == (own, "waiting")
        held.command_at(who, "peer", "approve", own)
    aligned = aligning.answer()
    assert all(f"synergos peer approve {own}" in str(problem) for problem in problems), problems
    assert not isinstance(aligned, Exception), aligned

    training = Aside(study.train)
    until(lambda: held.open_sessions() == 2, "the sessions to be open")
    until(lambda: study.jobs("train")[0]["progress"].get("round", 0) > 0, "a round to be done")
    held.command_at("worker_2", "peer", "revoke", own[:12])
    until(lambda: held.open_sessions("worker_2") == 0, "the session to end")
    ended = training.answer()

    assert "worker_2" in str(ended)
    assert "revoked" in str(ended)


def test_one_approval_is_for_a_director_and_its_ttps(held_cluster: Cluster, wine: Dataset) -> None:
    study = Study(held_cluster, wine, "held_cluster", run={"rounds": 2})
    own = fingerprint_of(held_cluster)
    hand_in(study)
    until(lambda: len(waiting(study)) == 2, "both participants to be waited for")
    assert {own in wait["reason"] for wait in waiting(study)} == {True}
    until(lambda: study.jobs("preprocess")[0]["state"] == "waiting", "the job to make room for others")
    assert {own in wait["reason"] for wait in waiting(study)} == {True}

    for nodes in held_cluster.nodes():
        for node in nodes:
            held_cluster.command_at(node.name, "peer", "approve", own)
    wait_for_jobs(study)

    assert [(job["stage"], job["state"]) for job in jobs_of(study)] == [
        (stage, "completed") for stage in ("preprocess", "train", "validate", "predict")
    ]


def test_a_worker_that_trusts_somebody_else_takes_nothing_unsealed(held: RealGrid) -> None:
    for program in held.grid.workers:
        for port, path in ((program.port, "/worker/poll/c/p"), (program.data_port, "/sessions/1/rounds/0")):
            with pytest.raises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(f"http://{program.host}:{port}{path}", timeout=30)
            refused.value.close()
            assert refused.value.code == 401


def test_a_capture_of_a_whole_cycle_shows_no_tensor_no_column_and_no_label(
    grid: RealGrid, breast_cancer: Dataset, recorder: WireRecorder
) -> None:
    study = Study(Captured(grid.grid, recorder), breast_cancer, "captured", run={"rounds": 2})
    study.declare()

    answers = [study.align(), study.train(), study.validate(), study.predict("worker_1")]
    wire = recorder.bytes
    assert [answer["success"] for answer in answers] == [1, 1, 1, 1], answers

    weights = torch.load(study.model_folder() / "global_model.pt", weights_only=True)
    tensors = [tensor.numpy().tobytes()[:16] for tensor in weights.values() if tensor.numel() > 3]
    said = [b"mean radius", b"malignant", b"benign", b"target", b"nnl_", b"__metadata__", b"feature_space"]
    assert len(wire) > 100_000
    assert tensors
    assert [each for each in (*tensors, *said) if each in wire] == []
    assert b"POST /sealed/" in wire


def test_a_worker_is_known_by_the_identity_it_has_shown(own_grid: RealGrid, breast_cancer: Dataset) -> None:
    study = Study(own_grid, breast_cancer, "known")
    study.declare()
    study.align()
    [known] = {
        record["node_0"]["fingerprint"]
        for record in own_grid.driver.registrations.read_all(*study.keys[:2])["data"]
        if record["key"]["participant_id"] == "worker_1"
    }
    file = own_grid.outputs("worker_1") / FOLDER / "worker.json"
    assert read_identity(file).fingerprint == known

    # Renewed, it is known; another one in its place is not.
    renew_identity(file)
    assert not isinstance(Aside(study.align).answer(), Exception)
    file.write_bytes((own_grid.outputs("worker_2") / FOLDER / "worker.json").read_bytes())
    answer = str(Aside(study.align).answer())

    assert "worker_1" in answer
    assert "has another identity than the worker that was registered" in answer
