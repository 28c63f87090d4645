"""Launches, studies and comparisons as somebody at a browser makes them, on a grid of processes."""

from __future__ import annotations

import csv
import json
from hashlib import sha256
from pathlib import Path

import pytest

from grids.real_grid import RealGrid, Study
from servers.portal import RunningPortal
from support.visitor import Visitor
from synergos_simulator.datasets import Dataset, write_example

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def diabetes(data: Path) -> Dataset:
    """A regression."""
    return write_example(data, "diabetes")


def test_a_double_click_and_a_reload_launch_once(
    visitor: Visitor, portal: RunningPortal, grid: RealGrid, wine: Dataset
) -> None:
    study = Study(grid, wine, "launched", {"rounds": 3})
    study.declare()
    visitor.open(f"{portal.view}/collaborations/{study.keys[0]}/projects/{study.keys[1]}")

    visitor.follow("Launchpad")
    visitor.sees("3 jobs", "Sub-grid 0 – 2 of 2 nodes are well")
    visitor.named("Start").dblclick()
    visitor.sees("All jobs of this launch have ended.")
    visitor.page.reload()

    visitor.sees("completed")
    assert [job["stage"] for job in grid.driver.jobs.read_all(project_id=study.keys[1])["data"]] == [
        *("preprocess", "train", "validate")
    ]


def test_a_study_goes_from_a_file_to_its_best_run(
    visitor: Visitor, portal: RunningPortal, finished: Study, tmp_path: Path
) -> None:
    ranges = tmp_path / "ranges.json"
    space = {"lr": {"_type": "choice", "_value": [0.01, 0.1]}, "rounds": {"_type": "choice", "_value": [2]}}
    ranges.write_text(json.dumps(space))
    collaboration, project, experiment, run = finished.keys
    page = f"{portal.view}/collaborations/{collaboration}/projects/{project}/experiments/{experiment}"
    visitor.open(page)

    visitor.follow("Search hyperparameters")
    visitor.page.get_by_label("Search space from a file").set_input_files(ranges)
    visitor.fill({"Trials": "2", "Start from a run": run, "What draws": "grid"})
    visitor.follow("Look it over")
    visitor.sees("2 trials, up to 4 jobs", "There are 2 combinations in all.")
    visitor.follow("Start")
    # Trials appear by themselves.
    visitor.sees("2 of 2 trials", "★ best", "Download")
    visitor.follow("Make the best a run")
    visitor.fill({"Name of the run": "found"})
    visitor.follow("Declare the run")

    visitor.page.wait_for_url("**/runs/found")
    driver = finished.grid.driver
    [best] = [study["best"] for study in driver.optimizations.studies(expt_id=experiment)["data"]]
    made = driver.runs.read(collaboration, project, experiment, "found")["data"]
    assert {name: made[name] for name in space} == best["hyperparameters"]


def test_of_a_regression_the_smallest_error_is_best_and_files_are_what_the_grid_has(
    visitor: Visitor, portal: RunningPortal, grid: RealGrid, diabetes: Dataset
) -> None:
    study = Study(grid, diabetes, "compared", {"rounds": 2})
    study.declare()
    collaboration, project, experiment, run = study.keys
    grid.driver.runs.create(
        collaboration, project, experiment, "hasty", **{**diabetes.hyperparameters, "rounds": 2, "lr": 0.0001}
    )
    for answer in (
        study.align(),
        *(ask.create(*study.keys[:3]) for ask in (grid.driver.models, grid.driver.validations)),
    ):
        assert answer["success"], answer
    names = [f"{experiment}/{run}", f"{experiment}/hasty"]
    page = f"{portal.view}/collaborations/{collaboration}/projects/{project}"

    visitor.open(f"{page}/compare?run={names[0]}&run={names[1]}")

    errors = [pooled_error(grid, study.keys[:3], name) for name in (run, "hasty")]
    row = visitor.page.get_by_role("row").filter(has_text="MSE").first
    marked = ["★" in text for text in row.get_by_role("cell").all_inner_texts()]
    assert marked == [error == min(errors) for error in errors]
    with visitor.page.expect_download() as waiting:
        visitor.follow("CSV")
    rows = list(csv.DictReader(waiting.value.path().read_text().splitlines()))
    assert [float(each["MSE"]) for each in rows] == errors
    visitor.open(
        f"{portal.view}/downloads/collaborations/{collaboration}/projects/{project}/experiments/{experiment}/runs/{run}"
    )
    for name in ("global_model.safetensors", "global_loss_history.json"):
        with visitor.page.expect_download() as waiting:
            visitor.follow(name)
        assert (
            sha256(waiting.value.path().read_bytes()).digest()
            == sha256((study.model_folder() / name).read_bytes()).digest()
        )


def pooled_error(grid: RealGrid, experiment: tuple[str, ...], run: str) -> float:
    """What the records say of all participants together."""
    collaboration, project, name = experiment
    found = grid.driver.validations.read(collaboration, project, name, run)["data"]
    return float(found[0]["pooled"]["statistics"]["MSE"])
