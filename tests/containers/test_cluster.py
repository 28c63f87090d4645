"""The Cluster grid of its compose file: a whole cycle, containers lost in it, and what comes to the log server."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import requests

from containers.engine import Container, docker, stop_all
from containers.grids import CLUSTER, CLUSTER_LOGGERS, CLUSTER_PROGRAMS, ComposeGrid, running
from containers.jobs import Notebooks, cycle, ended, heard, programs_started, under_way
from containers.mlflow import finished
from containers.portal import portal
from containers.received import STAGES
from grids.real_grid import Aside
from support.original_notebooks import ABALONE, HEART_DISEASE, Cycle, refuse_errors
from support.waiting import DEADLINE, until

pytestmark = [pytest.mark.slow, pytest.mark.containers, pytest.mark.timeout(1800)]

MLFLOW = "http://172.20.0.15:5500"
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


@pytest.fixture(scope="module")
def notebooks(grid: ComposeGrid) -> Notebooks:
    return Notebooks(grid)


def test_the_notebook_runs_from_the_host(notebooks: Notebooks) -> None:
    # The other one is trained with below, and gone through by plain processes in tests/e2e/test_original_notebooks.py.
    answers = notebooks.ran(ABALONE)

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


def shown_user(container: str) -> str:
    """The queue's user whose password a container is shown: the only one."""
    read = ["docker", "exec", "--user", "root", container, "ls", "/run/synergos_queue"]
    assert set(subprocess.run(read, capture_output=True, check=True, text=True).stdout.split()) == {"user", "password"}
    return docker("exec", "--user", "root", container, "cat", "/run/synergos_queue/user")


def test_workers_have_no_way_to_the_queue_whose_passwords_were_made_up(grid: ComposeGrid) -> None:
    reach = "import socket; socket.create_connection(('172.20.2.16', 5672), timeout=10)"
    # At once: who has no way is told nothing, and finds out by waiting.
    trying = {
        name: subprocess.Popen(["docker", "exec", name, "python", "-c", reach], stderr=subprocess.DEVNULL)
        for name in ("sync_director", "sync_ttp_1", "sync_worker_1_n1", "sync_worker_2_n2")
    }
    reached = {name: process.wait(DEADLINE) for name, process in trying.items()}
    folder = grid.folder / "metadata" / "queue_credentials"
    files = {str(path.relative_to(folder)): path for path in folder.rglob("*") if path.is_file()}
    shown = {name: shown_user(name) for name in ("sync_director", "sync_ttp_1", "sync_ttp_2")}
    overview = "http://127.0.0.1:15672/api/overview"

    assert reached == {"sync_director": 0, "sync_ttp_1": 0, "sync_worker_1_n1": 1, "sync_worker_2_n2": 1}
    roles = ("administrator", "director", "ttp")
    assert files.keys() == {f"{role}/{name}" for role in roles for name in ("user", "password")}
    assert {path.stat().st_mode & 0o777 for path in files.values()} == {0o600}
    assert shown == {"sync_director": "director", "sync_ttp_1": "ttp", "sync_ttp_2": "ttp"}
    assert requests.get(overview, auth=("guest", "guest"), timeout=30).status_code == 401
    if os.getuid() == 0:
        account = (files["administrator/user"].read_text(), files["administrator/password"].read_text())
        assert requests.get(overview, auth=account, timeout=30).ok


def test_the_log_server_gets_what_was_said_without_it_and_takes_a_whole_cycle(
    grid: ComposeGrid, notebooks: Notebooks
) -> None:
    notebooks.ran(ABALONE)

    grid.start_log_server("--no-deps")

    records = heard(grid, CLUSTER_LOGGERS, ABALONE.ids(CLUSTER.name)[1], STAGES)
    assert {one.transport for one in records} == {"tcp"}
    assert programs_started(records) == CLUSTER_PROGRAMS


def test_the_portal_shows_the_cluster_and_its_station_the_pages_of_all_programs(grid: ComposeGrid) -> None:
    grid.start_log_server("--no-deps")
    with portal(grid) as pages:
        pages.refuse_strays()
        status = pages.get("nav", "/status").text
        for name in ("sync_director", "sync_ttp_1", "sync_ttp_2"):
            assert name in status
        pages.refuse_missing_tools("mlops", "queue", "logs")
        if os.getuid() == 0:
            folder = grid.folder / "metadata" / "queue_credentials" / "administrator"
            account = ((folder / "user").read_text(), (folder / "password").read_text())
            overview = f"{pages.address('track')}/tools/queue/api/overview"
            assert pages.browser.get(overview, auth=account, timeout=30).json()["object_totals"]["queues"] > 0


def test_the_cycles_run_is_on_mlflows_server(notebooks: Notebooks) -> None:
    notebooks.ran(ABALONE)
    ids = ABALONE.ids(CLUSTER.name)
    until(lambda: bool(finished(MLFLOW, ids)), "the run to be on MLflow's server", every=0.5)

    found = finished(MLFLOW, ids)
    assert {"global_train_loss", "worker_1_local_loss"} <= {metric["key"] for metric in found[0]["data"]["metrics"]}


def test_everything_ends_when_told(grid: ComposeGrid) -> None:
    log_server = {"sync_logger", "sync_mongo", "sync_opensearch"}
    containers = {each.name: each for each in grid.containers() if each.name.startswith("sync_")}
    containers = {name: each for name, each in containers.items() if name not in log_server}
    needed = [containers.pop(name) for name in ("sync_mq", "sync_mlops")]

    assert len(containers) == 7
    assert stop_all(containers.values()) == dict.fromkeys(containers, 0)
    assert stop_all(needed) == {"sync_mq": 0, "sync_mlops": 0}
