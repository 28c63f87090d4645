"""The Basic grid of its compose file: a whole cycle from the host, and containers that are stopped or killed in it."""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import requests

from containers.engine import Container, docker
from containers.grids import BASIC, ComposeGrid, running
from containers.jobs import Notebooks, cycle, ended, state_of, under_way
from containers.portal import portal
from grids.real_grid import Aside
from support.original_notebooks import ABALONE, HEART_DISEASE, refuse_errors
from support.waiting import DEADLINE, until
from support.written_files import stats_below

pytestmark = [pytest.mark.slow, pytest.mark.containers, pytest.mark.timeout(1800)]

LONG = replace(HEART_DISEASE, run={"rounds": 100, "patience": 1000})
ENDLESS = replace(HEART_DISEASE, run={"rounds": 10_000, "patience": 100_000})


@pytest.fixture(scope="module")
def grid(images: None, tmp_path_factory: pytest.TempPathFactory, datasets: Path) -> Iterator[ComposeGrid]:
    # The images are built already; here it is seen that Docker Compose does so too.
    with running(BASIC, tmp_path_factory.mktemp("basic"), datasets, options=["--build"]) as started:
        yield started


@pytest.fixture(scope="module")
def notebooks(grid: ComposeGrid) -> Notebooks:
    return Notebooks(grid)


def test_the_notebook_runs_from_the_host(grid: ComposeGrid, notebooks: Notebooks) -> None:
    # The other one is gone through in the following, and both by plain processes in tests/e2e/test_original_notebooks.py.
    answers = notebooks.ran(ABALONE)

    refuse_errors(answers)
    assert {len(answers[f"predictions {number}"]["data"]) for number in (1, 2)} == {1}
    for number in (1, 2):
        written = list((grid.folder / "outputs" / f"worker_{number}_outputs").rglob("predictions_*.csv"))
        assert written
    owners = {told.st_uid for _, told in stats_below(grid.folder) if stat.S_ISREG(told.st_mode)}
    assert len(owners) == 1
    assert owners != {0}


def test_the_simulators_notebook_runs_as_it_is(grid: ComposeGrid) -> None:
    executed = grid.run_example("wine")

    assert len(executed.results) >= 4
    assert all(row["roc_auc_score"] > 0.9 for row in executed.results if row["roc_auc_score"] is not None)


def test_every_program_is_published_on_loopback_only(grid: ComposeGrid) -> None:
    for name, port in {"synb_ttp": 5000, "synb_worker_1": 5001, "synb_worker_2": 5002}.items():
        published = Container(name).inspect()["NetworkSettings"]["Ports"]["5000/tcp"]

        assert {binding["HostIp"] for binding in published} == {"127.0.0.1"}
        assert requests.get(f"http://127.0.0.1:{port}/health", timeout=DEADLINE).json()["id"] == name


def test_the_portal_shows_the_grid_at_its_three_addresses(grid: ComposeGrid) -> None:
    with portal(grid) as pages:
        pages.refuse_strays()


def test_a_ttp_stopped_in_a_round_goes_on_when_it_is_started_again(grid: ComposeGrid) -> None:
    training = Aside(cycle(grid, LONG, "stopped").train)
    job = under_way(grid)
    ttp = Container("synb_ttp")

    code = ttp.stop()
    answer = training.answer()
    docker("start", ttp.name)
    ttp.wait_until_healthy()

    assert code == 0
    assert isinstance(answer, dict)
    assert answer["status"] == 503
    assert ended(grid, job["id"])["state"] == "completed"


def test_a_worker_killed_in_a_round_that_is_back_soon_is_waited_for(grid: ComposeGrid) -> None:
    begun = cycle(grid, LONG, "back")
    training = Aside(begun.train)
    under_way(grid)

    docker("restart", "--time", "0", "synb_worker_1")

    answer = training.answer()
    assert isinstance(answer, dict)
    refuse_errors({"models": answer, "validations": begun.validate()})


def test_down_and_up_keep_what_was_learnt(grid: ComposeGrid, notebooks: Notebooks) -> None:
    notebooks.ran(ABALONE)
    keys = ABALONE.ids(BASIC.name)

    grid.down()
    grid.up()

    assert grid.driver.models.read(*keys)["status"] == 200
    until(lambda: grid.driver.validations.create(*keys)["status"] == 200, "another validation")


@pytest.fixture(scope="module")
def impatient(grid: ComposeGrid) -> ComposeGrid:
    """The same grid, whose TTP waits less long for a worker that is lost from now on; for tests in which none comes back."""
    changed = replace(grid, overlays=["tests/containers/impatient.yml"])
    changed.up("--no-deps")
    return changed


def test_a_worker_stopped_in_a_round_ends_cleanly_and_the_job_names_it(impatient: ComposeGrid) -> None:
    _a_lost_worker_is_named(impatient, lambda worker: worker.stop() == 0, "left")


def test_a_killed_worker_fails_the_job_which_names_it(impatient: ComposeGrid) -> None:
    def kill(worker: Container) -> bool:
        docker("kill", worker.name)
        return True

    _a_lost_worker_is_named(impatient, kill, "killed")


def _a_lost_worker_is_named(grid: ComposeGrid, lose: Callable[[Container], bool], name: str) -> None:
    training = Aside(cycle(grid, ENDLESS, name).train)
    job = under_way(grid)
    worker = Container("synb_worker_2")
    try:
        assert lose(worker)
        answer = training.answer()
    finally:
        docker("start", worker.name)
        worker.wait_until_healthy()

    assert isinstance(answer, dict)
    assert "worker_2" in answer["message"]
    assert state_of(grid, job["id"])["error"]["participant"] == "worker_2"
    assert requests.get("http://172.18.0.3:5000/health", timeout=DEADLINE).json()["sessions"] == 0
