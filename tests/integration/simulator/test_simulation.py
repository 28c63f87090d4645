"""What a simulation asks of an orchestrator."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from fakes.recording_server import RecordingServer, recording_server
from synergos import Driver
from synergos.driver import DriverError
from synergos.driver.progress import Lines
from synergos_simulator.datasets import Dataset, Holding
from synergos_simulator.simulation import CycleCancelled, Simulation
from synergos_simulator.state import Program

HOLDINGS = [
    Holding(f"worker_{i}", ("d", f"data{i}", "train"), ("d", f"data{i}", "evaluate"), ("d", f"data{i}", "predict"))
    for i in (1, 2)
]
TESTS = [["d", "data1", "predict"], ["d", "data2", "predict"]]
WORKERS = {f"worker_{i}": Program(f"worker_{i}", [], "", "127.0.0.1", 5000 + i, 8000 + i) for i in (1, 2)}
DATASET = Dataset("d", "classify", Path("/data"), HOLDINGS, [{"l_type": "Linear"}], {"rounds": 3, "lr": 0.5})
CONNECT, TRAIN = "/ttp/connect/collaborations/simulation/projects", "/ttp/train/collaborations/simulation/projects"
REFUSED = {"status": 422, "message": "worker_1: no such label", "jobs": ["j1"]}


@pytest.fixture
def server() -> Iterator[RecordingServer]:
    with recording_server() as running:
        yield running


@pytest.fixture
def shown() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def simulation(server: RecordingServer, shown: io.StringIO) -> Iterator[Simulation]:
    with Driver("127.0.0.1", server.port, raise_errors=True) as driver:
        yield Simulation(
            driver, DATASET, {name: [node] for name, node in WORKERS.items()}, {"rounds": 2}, Lines(Console(file=shown))
        )


def test_a_collaboration_names_the_grids_tracking_server(simulation: Simulation, server: RecordingServer) -> None:
    tracked = replace(simulation, mlops=Program("mlops", [], "", "127.0.0.1", 5500))

    simulation.run()
    tracked.run()

    without, with_server = bodies(server, "POST", "/ttp/connect/collaborations")
    assert "mlops" not in without
    assert (with_server["mlops"]["host"], with_server["mlops"]["ports"]["main"]) == ("127.0.0.1", 5500)
    assert with_server["mlops"]["register"] is True


def bodies(server: RecordingServer, method: str, path: str) -> list[Any]:
    return [request.body for request in server.requests if (request.method, request.path) == (method, path)]


def test_every_way_of_training_goes_through_all_stages(simulation: Simulation, server: RecordingServer) -> None:
    results = simulation.run()

    assert [result.arrangement.name for result in results] == [
        "federated",
        "alone worker_1",
        "alone worker_2",
        "pooled",
    ]
    assert [result.problem for result in results] == [None] * 4
    for project in ("federated", "alone_worker_1", "alone_worker_2", "pooled"):
        assert len(bodies(server, "POST", f"{TRAIN}/{project}/alignments")) == 1
        assert len(bodies(server, "POST", f"{TRAIN}/{project}/models/experiment/run")) == 1
        validations = f"/ttp/evaluate/collaborations/simulation/projects/{project}/validations/experiment/run"
        assert len(bodies(server, "POST", validations)) == 1


def test_all_are_measured_on_the_same_rows(simulation: Simulation, server: RecordingServer) -> None:
    simulation.run()

    asked = [request.body["tags"] for request in server.requests if "/predictions/" in request.path]
    assert asked == [{name: TESTS} for name in ("federated", "alone_worker_1", "alone_worker_2", "pooled")]


def test_participants_are_registered_with_their_workers_and_folders(
    simulation: Simulation, server: RecordingServer
) -> None:
    simulation.run()

    registration = f"{CONNECT}/federated/participants/worker_2/registration"
    node = {"host": "127.0.0.1", "port": 8002, "f_port": 5002, "log_msgs": False, "verbose": False}
    assert bodies(server, "POST", registration) == [{"role": "guest", "n_count": 1, "node_0": node}]
    tags = {"train": [["d", "data2", "train"]], "evaluate": [["d", "data2", "evaluate"]], "predict": []}
    assert bodies(server, "POST", f"{registration}/tags") == [tags]


def test_one_worker_trains_on_the_pooled_data(simulation: Simulation, server: RecordingServer) -> None:
    simulation.run()

    (tags,) = bodies(server, "POST", f"{CONNECT}/pooled/participants/worker_1/registration/tags")
    assert tags["train"] == [["d", "data1", "train"], ["d", "data2", "train"]]
    assert not bodies(server, "POST", f"{CONNECT}/pooled/participants/worker_2/registration")


def test_what_the_caller_chose_replaces_the_datasets_own(simulation: Simulation, server: RecordingServer) -> None:
    simulation.run()

    (run, *_) = bodies(server, "POST", f"{CONNECT}/federated/experiments/experiment/runs")
    assert (run["rounds"], run["lr"]) == (2, 0.5)


def test_a_comparison_that_fails_is_told_and_the_rest_goes_on(
    simulation: Simulation, server: RecordingServer, shown: io.StringIO
) -> None:
    server.answer_always("POST", f"{TRAIN}/alone_worker_1/alignments", 422, REFUSED)
    server.answer_always("GET", "/ttp/jobs/j1", 200, {"data": {"id": "j1", "state": "failed"}})

    results = simulation.run()

    assert [result.problem for result in results] == [None, "worker_1: no such label", None, None]
    assert "alone worker_1: worker_1: no such label" in shown.getvalue()


def test_a_federated_cycle_that_fails_ends_the_simulation(simulation: Simulation, server: RecordingServer) -> None:
    server.answer_always("POST", f"{TRAIN}/federated/alignments", 422, REFUSED)
    server.answer_always("GET", "/ttp/jobs/j1", 200, {"data": {"id": "j1", "state": "failed"}})

    with pytest.raises(DriverError, match="no such label"):
        simulation.run()


def test_a_cancelled_job_ends_the_simulation(simulation: Simulation, server: RecordingServer) -> None:
    server.answer_always("POST", f"{TRAIN}/pooled/models/experiment/run", 409, REFUSED)
    server.answer_always("GET", "/ttp/jobs/j1", 200, {"data": {"id": "j1", "state": "cancelled"}})

    with pytest.raises(CycleCancelled):
        simulation.run()


def test_the_job_of_a_stage_is_shown(simulation: Simulation, server: RecordingServer, shown: io.StringIO) -> None:
    job = {"id": "j", "state": "completed", "progress": {"round": 2, "rounds": 2, "losses": {"train": 0.5}}}
    server.answer_always("GET", "/ttp/jobs", 200, {"data": [job]})

    simulation.run()

    assert "federated · preprocess: completed · round 2/2 · train loss 0.5" in shown.getvalue()
