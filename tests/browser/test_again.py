"""A job is cancelled, run again, and gives back the old result when it comes to nothing, each said in words."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from grids.real_grid import ENDLESS, RealGrid, Study
from servers.portal import RunningPortal
from support.visitor import Visitor
from support.waiting import until
from synergos_simulator.datasets import Dataset, write_example

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


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


def test_one_that_fails_gives_the_old_result_back(
    visitor: Visitor, portal: RunningPortal, grid: RealGrid, own: Dataset
) -> None:
    study = Study(grid, own, "given_back", {"rounds": 2})
    study.declare()
    for answer in (study.align(), study.train(), study.validate()):
        assert answer["success"], answer
    before = grid.driver.validations.read(*study.keys)["data"]
    folders = [own.root.joinpath(*tag) for tag in own.tags("evaluate")]
    for folder in folders:
        folder.rename(folder.with_name("elsewhere"))
    visitor.open(f"{portal.view}/jobs/{study.jobs('validate')[-1]['id']}")

    try:
        visitor.follow("Run again")
        visitor.follow("Run again")
        state(visitor, "failed")
    finally:
        for folder in folders:
            folder.with_name("elsewhere").rename(folder)

    expect(visitor.page.locator("#earlier")).to_contain_text("what an earlier one had left is shown again, as it was")
    visitor.sees("What to do")
    assert grid.driver.validations.read(*study.keys)["data"] == before
