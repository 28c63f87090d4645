"""The Cluster grid of its compose file, without its log server: a whole cycle, and containers lost in it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import requests

from containers.engine import Container, docker
from containers.grids import CLUSTER, ComposeGrid, running
from containers.jobs import cycle, ended, under_way
from grids.real_grid import Aside
from support.original_notebooks import ABALONE, HEART_DISEASE, Cycle, Notebook, refuse_errors, run_notebook

pytestmark = [pytest.mark.slow, pytest.mark.containers, pytest.mark.timeout(1800)]

LONG = replace(HEART_DISEASE, run={"rounds": 60, "patience": 1000})


@pytest.fixture(scope="module")
def grid(images: None, tmp_path_factory: pytest.TempPathFactory, datasets: Path) -> Iterator[ComposeGrid]:
    with running(CLUSTER, tmp_path_factory.mktemp("cluster"), datasets) as started:
        yield started


def container_of(job: dict[str, object]) -> Container:
    """The TTP that has a job in hand, whose id is its container's name."""
    return Container(str(job["ttp"]))


def worked_out(begun: Cycle, training: Aside, grid: ComposeGrid, job: dict[str, object]) -> None:
    """There is a model, its training was one job that completed, and it can be validated."""
    answer = training.answer()
    assert isinstance(answer, dict), answer
    refuse_errors({"models": answer, "validations": begun.validate()})
    assert ended(grid, str(job["id"]))["state"] == "completed"
    assert len(grid.driver.jobs.read_all(stage="train", project_id=begun.ids[1])["data"]) == 1


@pytest.mark.parametrize("notebook", [ABALONE, HEART_DISEASE], ids=lambda notebook: notebook.dataset)
def test_the_notebook_runs_from_the_host(grid: ComposeGrid, notebook: Notebook) -> None:
    answers = run_notebook(grid.deployment, notebook)

    refuse_errors(answers)
    assert {len(answers[name]["data"]) for name in ("alignments", "validations")} == {2}


def test_the_simulators_notebook_runs_as_it_is(grid: ComposeGrid) -> None:
    executed = grid.run_example("breast_cancer")

    assert len(executed.results) >= 4
    assert all(row["roc_auc_score"] > 0.9 for row in executed.results if row["roc_auc_score"] is not None)


def test_a_ttp_stopped_in_a_round_leaves_its_job_to_the_other(grid: ComposeGrid) -> None:
    begun = cycle(grid, LONG, "stopped")
    training = Aside(begun.train)
    job = under_way(grid)
    ttp = container_of(job)
    try:
        code = ttp.stop()
        worked_out(begun, training, grid, job)
    finally:
        docker("start", ttp.name)
        ttp.wait_until_healthy()

    assert code == 0
    assert ended(grid, job["id"])["ttp"] != ttp.name


@pytest.mark.parametrize(
    ("name", "lost"),
    [
        ("queue", lambda job: "sync_mq"),
        ("worker", lambda job: {"sync_ttp_1": "sync_worker_1_n1", "sync_ttp_2": "sync_worker_1_n2"}[job["ttp"]]),
    ],
    ids=["queue", "worker"],
)
def test_a_container_killed_in_a_round_and_started_again_costs_nothing(
    grid: ComposeGrid, name: str, lost: Callable[[dict[str, object]], str]
) -> None:
    begun = cycle(grid, LONG, name)
    training = Aside(begun.train)
    job = under_way(grid)
    container = Container(lost(job))

    docker("restart", "--time", "0", container.name)
    container.wait_until_healthy()

    worked_out(begun, training, grid, job)


def test_every_container_is_confined(grid: ComposeGrid) -> None:
    for container in grid.containers():
        said = container.inspect()["HostConfig"]

        assert (said["ReadonlyRootfs"], said["CapDrop"]) == (True, ["ALL"]), container.name
        assert said["SecurityOpt"] == ["no-new-privileges:true"], container.name
        assert said["PidsLimit"] > 0, container.name
        assert said["Memory"] > 0, container.name
        assert container.main_process()["CapEff"].strip("0") == "", container.name


def test_workers_have_no_way_to_the_queue_whose_password_was_made_up(grid: ComposeGrid) -> None:
    reach = "import socket; socket.create_connection(('172.20.2.16', 5672), timeout=3)"
    reached = {
        name: subprocess.run(
            ["docker", "exec", name, "python", "-c", reach], capture_output=True, check=False
        ).returncode
        for name in ("sync_director", "sync_ttp_1", "sync_worker_1_n1", "sync_worker_2_n2")
    }
    files = {path.name: path for path in (grid.folder / "metadata" / "queue_credentials").iterdir()}
    overview = "http://127.0.0.1:15672/api/overview"

    assert reached == {"sync_director": 0, "sync_ttp_1": 0, "sync_worker_1_n1": 1, "sync_worker_2_n2": 1}
    assert {path.stat().st_mode & 0o777 for path in files.values()} == {0o600}
    assert requests.get(overview, auth=("guest", "guest"), timeout=30).status_code == 401
    if os.getuid() == 0:
        account = (files["user"].read_text(), files["password"].read_text())
        assert requests.get(overview, auth=account, timeout=30).ok


def test_everything_ends_when_told(grid: ComposeGrid) -> None:
    containers = {container.name: container for container in grid.containers()}
    order = sorted(containers, key=lambda name: (name == "sync_mq", name == "sync_mlops", name))

    assert len(order) == 9
    assert {name: containers[name].stop() for name in order} == dict.fromkeys(order, 0)
