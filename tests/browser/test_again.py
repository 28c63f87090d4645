"""A job is cancelled, run again, and gives back the old result when it comes to nothing, each said in words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import expect

from grids.real_grid import ENDLESS, RealGrid, Study
from servers.portal import RunningPortal
from support.visitor import Visitor
from support.waiting import until
from synergos_simulator.datasets import Dataset, write_example

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def own(data: Path) -> Dataset:
    """Folders that no other test reads."""
    return write_example(data, "wine", folder="again")


def state(visitor: Visitor, text: str) -> None:
    expect(visitor.page.locator("#job-state")).to_contain_text(text)


def test_it_is_cancelled_and_run_again_after_a_page_that_says_what_that_does(
    visitor: Visitor, portal: RunningPortal, grid: RealGrid, own: Dataset
) -> None:
    study = Study(grid, own, "cancelled", {**ENDLESS})
    study.declare()
    assert study.align()["success"]
    grid.driver.models.create(*study.keys, respond_async=True)
    until(lambda: study.jobs("train")[-1]["progress"].get("round", 0) > 2, "rounds to run")
    visitor.open(f"{portal.view}/jobs/{study.jobs('train')[-1]['id']}")

    visitor.follow("Cancel the job")
    visitor.sees("stops at its next step", "What an earlier job has left is shown again.")
    visitor.follow("Cancel the job")
    state(visitor, "cancelled")
    visitor.sees("Somebody asked for it to be cancelled.")
    grid.driver.runs.update(*study.keys, rounds=2)
    visitor.follow("Run again")
    visitor.sees("with what is declared now", "if it fails, the earlier result is shown again")
    visitor.named("Run again").dblclick()
    state(visitor, "completed")

    assert [job["state"] for job in study.jobs("train")] == ["cancelled", "completed"]


@contextmanager
def taken_away(dataset: Dataset, purpose: str) -> Iterator[None]:
    """Folders that nobody finds inside the ``with`` block."""
    folders = [dataset.root.joinpath(*tag) for tag in dataset.tags(purpose)]
    for folder in folders:
        folder.rename(folder.with_name(f"{folder.name} elsewhere"))
    try:
        yield
    finally:
        for folder in folders:
            folder.with_name(f"{folder.name} elsewhere").rename(folder)


@pytest.fixture(scope="module")
def given_back(grid: RealGrid, own: Dataset) -> Study:
    """A run that is trained and validated."""
    study = Study(grid, own, "given_back", {"rounds": 2})
    study.declare()
    for answer in (study.align(), study.train(), study.validate()):
        assert answer["success"], answer
    return study


@pytest.mark.parametrize(("stage", "purpose"), [("validate", "evaluate"), ("train", "train")])
def test_one_that_fails_gives_the_old_result_back(
    visitor: Visitor, portal: RunningPortal, given_back: Study, stage: str, purpose: str
) -> None:
    driver, keys = given_back.grid.driver, given_back.keys

    def results() -> list[object]:
        return [ask.read(*keys)["data"] for ask in (driver.models, driver.validations)]

    before, [job] = results(), given_back.jobs(stage)
    visitor.origins |= portal.origins
    visitor.open(f"{portal.view}/jobs/{job['id']}")

    with taken_away(given_back.dataset, purpose):
        visitor.follow("Run again")
        visitor.sees("if it fails, the earlier result is shown again")
        visitor.follow("Run again")
        state(visitor, "failed")

    assert not visitor.page.url.endswith(job["id"])
    expect(visitor.page.locator("#earlier")).to_contain_text("what an earlier one had left is shown again, as it was")
    expect(visitor.page.locator("#remedy")).to_contain_text("Its owner puts right the folder, file or column")
    assert results() == before
    collaboration, project, experiment, run = keys
    page = f"{portal.view}/collaborations/{collaboration}/projects/{project}/experiments/{experiment}/runs/{run}"
    visitor.open(page)
    visitor.sees("Trained", given_back.jobs("train")[0]["id"][:8], "accuracy")
    visitor.does_not_see("It has not been trained.", "has been changed since it was trained")
