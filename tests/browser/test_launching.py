"""Launches, studies and comparisons as somebody at a browser makes them, on a grid of processes."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import pytest
from playwright.sync_api import expect

from grids.real_grid import ENDLESS, RealGrid, Study
from servers.portal import RunningPortal
from support.visitor import Visitor
from synergos_simulator.datasets import Dataset, write_example


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


def searched(visitor: Visitor, portal: RunningPortal, study: Study, ranges: Path, **space: Sequence[float]) -> None:
    """A study of choices among values, from the experiment's page on: asked for by a file, looked over, and started."""
    ranges.write_text(json.dumps({name: {"_type": "choice", "_value": values} for name, values in space.items()}))
    collaboration, project, experiment, run = study.keys
    visitor.open(f"{portal.view}/collaborations/{collaboration}/projects/{project}/experiments/{experiment}")
    visitor.follow("Search hyperparameters")
    visitor.page.get_by_label("Search space from a file").set_input_files(ranges)
    # By this seed they are tried in the order of the file.
    visitor.fill({"Trials": "3", "Start from a run": run, "What draws": "grid", "Seed": "5"})
    visitor.fill({"What stops hopeless trials": "successive halving"})
    visitor.follow("Look it over")
    visitor.sees("3 trials, up to 6 jobs", "There are 3 combinations in all.")
    visitor.follow("Start")


def test_a_study_goes_from_a_file_to_its_best_run_and_says_why_trials_were_pruned(
    visitor: Visitor, portal: RunningPortal, finished: Study, tmp_path: Path
) -> None:
    searched(visitor, portal, finished, tmp_path / "ranges.json", lr=[0.1, 1e-9, 1e-10], rounds=[8])

    # Trials appear by themselves.
    visitor.sees("3 of 3 trials", "★ best", "Download")
    pruned = visitor.page.get_by_role("row").filter(has_text="pruned")
    expect(pruned).to_have_count(2)
    for row in pruned.all():
        expect(row).to_contain_text(
            re.compile(r"pruned after round \d of 8: other trials of its study had smaller losses")
        )
    visitor.follow("Make the best a run")
    visitor.fill({"Name of the run": "found"})
    visitor.follow("Declare the run")

    visitor.page.wait_for_url("**/runs/found")
    driver, (collaboration, project, experiment, _) = finished.grid.driver, finished.keys
    [best] = [study["best"] for study in driver.optimizations.studies(expt_id=experiment)["data"]]
    made = driver.runs.read(collaboration, project, experiment, "found")["data"]
    assert {name: made[name] for name in ("lr", "rounds")} == best["hyperparameters"] == {"lr": 0.1, "rounds": 8}


def test_a_study_is_stopped_after_a_page_that_says_what_that_does(
    visitor: Visitor, portal: RunningPortal, grid: RealGrid, wine: Dataset, tmp_path: Path
) -> None:
    study = Study(grid, wine, "stopped", {**ENDLESS})
    study.declare()
    assert study.align()["success"]
    searched(visitor, portal, study, tmp_path / "ranges.json", lr=[0.1, 0.01, 0.001])
    visitor.sees("of 3 trials", "running", f"/ {ENDLESS['rounds']}")

    visitor.follow("Stop")
    visitor.sees("what they have trained so far is lost. Trials that have ended stay, with their models.")
    visitor.follow("Stop it, and cancel 1 trial")

    visitor.sees("1 of 3 trials", "stopped", "No trial has been trained and validated yet.")
    expect(visitor.page.locator("#trial-0")).to_contain_text("cancelled")
    visitor.does_not_see("Make the best a run")
    assert [job["state"] for job in study.jobs("train")] == ["cancelled"]


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
