"""What is deleted at the orchestrator goes where it lies: at a TTP with its workers behind real ports."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from grids.grid_in_process import HOST, GridInProcess
from grids.real_grid import ENDLESS
from grids.wine_grid import WORKERS, declare, use, wine_grid
from support.waiting import until


@pytest.fixture(scope="module")
def grid(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GridInProcess]:
    with wine_grid(tmp_path_factory.mktemp("grid"), tmp_path_factory.mktemp("data")) as grid:
        yield grid


def places(grid: GridInProcess) -> list[Path]:
    """The outputs folders of the TTP and of the workers."""
    return [grid.outputs, *(grid.outputs.parent / who for who in WORKERS)]


def holders_of(grid: GridInProcess, *key: str) -> list[str]:
    """Where there are files of something."""
    return [place.name for place in places(grid) if place.joinpath(*key).exists()]


def test_a_run_leaves_nothing_anywhere_and_another_one_is_as_it_was(grid: GridInProcess) -> None:
    declare(grid, "runs", "once", "twice")
    for run in ("once", "twice"):
        use(grid, "runs", run)
    everywhere = ["ttp", *WORKERS]
    assert holders_of(grid, "runs", "wines", "linear", "once") == everywhere

    answer = grid.driver.runs.delete("runs", "wines", "linear", "once")

    assert answer["files"] == {"kept": False, "removed": ["orchestrator", *WORKERS], "waiting": [], "stay": []}
    assert holders_of(grid, "runs", "wines", "linear", "once") == []
    assert holders_of(grid, "runs", "wines", "linear", "twice") == everywhere
    assert grid.driver.predictions.read("worker_1", "runs", "wines", "linear", "twice")["data"]

    grid.driver.collaborations.delete("runs", keep_files=True)
    assert holders_of(grid, "runs", "wines", "linear", "twice") == everywhere


def test_a_project_takes_what_was_agreed_along(grid: GridInProcess) -> None:
    declare(grid, "projects", "once")
    assert holders_of(grid, "projects", "wines", "agreement.json") == list(WORKERS)

    grid.driver.projects.delete("projects", "wines")

    assert holders_of(grid, "projects", "wines") == []


def test_a_participant_takes_its_own_results_along_and_nobody_else_s(grid: GridInProcess) -> None:
    declare(grid, "participants", "once")
    use(grid, "participants", "once")

    grid.driver.participants.delete("worker_2")

    assert holders_of(grid, "participants", "wines", "linear", "once") == ["ttp", "worker_1"]
    assert grid.driver.models.create("participants", "wines", "linear", "once")["status"] == 409


def test_results_by_themselves_leave_the_others_where_they_are(grid: GridInProcess) -> None:
    declare(grid, "results", "once")
    use(grid, "results", "once")
    key = ("results", "wines", "linear", "once")

    grid.driver.predictions.delete("worker_1", *key)
    assert holders_of(grid, *key, "predict") == ["worker_2"]
    assert holders_of(grid, *key, "evaluate") == list(WORKERS)

    grid.driver.models.delete(*key)
    assert holders_of(grid, *key) == []
    assert grid.driver.models.create(*key)["data"][0]["version"] == 1


def test_what_is_being_trained_is_cancelled_before_it_is_deleted(grid: GridInProcess) -> None:
    driver = grid.driver
    declare(grid, "training", "endless", **ENDLESS)
    [job] = driver.models.create("training", "wines", "linear", "endless", respond_async=True)["data"]
    until(lambda: driver.jobs.read(job["id"])["data"]["progress"].get("round", 0) >= 1, "a round")

    answer = driver.experiments.delete("training", "wines", "linear")

    assert answer["status"] == 200
    assert driver.jobs.read(job["id"])["data"]["state"] == "cancelled"
    assert holders_of(grid, "training", "wines", "linear") == []
    assert driver.experiments.read("training", "wines", "linear")["status"] == 404


def test_a_worker_that_is_away_is_told_and_removes_its_results_when_it_is_back(
    grid: GridInProcess,
) -> None:
    driver, away = grid.driver, grid.workers[1]
    declare(grid, "away", "once")
    use(grid, "away", "once")
    with grid.away(away):
        answer = driver.runs.delete("away", "wines", "linear", "once")

        [waiting] = answer["files"]["waiting"]
        assert answer["files"]["removed"] == ["orchestrator", "worker_1"]
        assert waiting["place"] == "worker_2"
        assert waiting["address"] == f"{HOST}:{away.port}"
        assert "was lost" in waiting["reason"]
        assert holders_of(grid, "away", "wines", "linear", "once") == ["worker_2"]
        assert [each["id"] for each in driver.removals.read_all()["data"]] == [waiting["id"]]

    until(lambda: driver.removals.read_all()["data"] == [], "the removal")
    assert holders_of(grid, "away", "wines", "linear", "once") == []
