"""The pictures of docs/portal.md, of real runs: SYNERGOS_PICTURES=docs/pictures has them taken anew."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from grids.real_grid import ENDLESS, RealGrid, Study
from servers.portal import RunningPortal
from support.visitor import Visitor
from support.waiting import until
from synergos_simulator.datasets import Dataset

PICTURES = Path(__file__).resolve().parents[2] / "docs" / "pictures"
DOCUMENTATION = PICTURES.with_name("portal.md")
ROUNDS = 30


@pytest.fixture
def under_way(grid: RealGrid, finished: Study, wine: Dataset) -> Iterator[Study]:
    """A training that is some rounds on, beside a cycle that is over and an alignment that has failed."""
    lost = Study(grid, wine, "mistaken")
    lost.declare({"worker_2": {"train": [["wine", "nowhere"]], "evaluate": [["wine", "nowhere"]]}})
    assert not lost.align()["success"]
    study = Study(grid, wine, "heart", ENDLESS)
    study.declare()
    assert study.align()["success"]
    assert study.grid.driver.models.create(*study.keys, respond_async=True)["success"]
    until(lambda: study.jobs("train")[0]["progress"].get("round", 0) > ROUNDS, "the training to be under way")
    yield study
    grid.driver.jobs.cancel(study.jobs("train")[0]["id"])


def test_every_picture_is_taken_of_a_real_run(
    visitor: Visitor, portal: RunningPortal, finished: Study, under_way: Study, tmp_path: Path
) -> None:
    folder = Path(os.environ.get("SYNERGOS_PICTURES") or tmp_path)
    visitor.origins |= portal.origins
    collaboration, project, experiment, run = finished.keys
    whole = f"{portal.view}/collaborations/{collaboration}/projects/{project}"
    [training] = under_way.jobs("train")
    [failed] = [
        job for job in finished.grid.driver.jobs.read_all(state="failed")["data"] if "nowhere" in str(job["error"])
    ]
    shown = {
        "home": (f"{portal.nav}/home", "Running"),
        "project": (whole, "Experiments"),
        "run": (f"{whole}/experiments/{experiment}/runs/{run}", "Hyperparameters"),
        "job": (f"{portal.view}/jobs/{training['id']}", "Participants"),
        "failure": (f"{portal.view}/jobs/{failed['id']}", "nowhere"),
        "lineage": (f"{portal.view}/lineage/{collaboration}/{project}/{experiment}/{run}", "Model"),
        "station": (f"{portal.track}/station", ""),
    }

    for name, (address, text) in shown.items():
        visitor.open(address)
        visitor.sees(text)
        expect(visitor.page.get_by_role("main")).not_to_contain_text(re.compile("being asked", re.IGNORECASE))
        if name == "station":
            expect(visitor.page.frame_locator("iframe").first.get_by_text("collaborations").first).to_be_visible()
        if name in ("job", "run"):
            expect(visitor.page.locator(".uplot")).to_be_visible()
        visitor.page.screenshot(path=folder / f"portal-{name}.png", full_page=name in ("job", "run", "failure"))

    named = set(re.findall(r"pictures/(portal-[a-z]+\.png)", DOCUMENTATION.read_text()))
    assert named == {f"portal-{name}.png" for name in shown}
    assert named == {file.name for file in PICTURES.glob("portal-*.png")}
