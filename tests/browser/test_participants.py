"""A participant's own pages in a browser: nodes and data registered, what is wrong found and put right, and its rows predicted."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

from grids.real_grid import RealGrid, Study, started
from servers.portal import RunningPortal, running
from support.visitor import Visitor
from support.waiting import until
from synergos_simulator.datasets import Dataset, write_example


@pytest.fixture(scope="module")
def wines(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return write_example(tmp_path_factory.mktemp("wines"), "wine")


@pytest.fixture(scope="module")
def publishing(tmp_path_factory: pytest.TempPathFactory, wines: Dataset) -> Iterator[RealGrid]:
    """A grid whose workers publish the names of their folders."""
    with started(tmp_path_factory.mktemp("grid"), wines.root, worker_flags=("--catalogue", "names")) as grid:
        yield grid


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory, publishing: RealGrid) -> Iterator[RunningPortal]:
    with running(tmp_path_factory.mktemp("portal"), publishing.grid.ttp.address) as found:
        yield found


@pytest.fixture(scope="module")
def study(publishing: RealGrid, wines: Dataset) -> Study:
    """A project that nobody takes part in yet."""
    study = Study(publishing, wines, "own", {"rounds": 2, "epochs": 1})
    driver, (collaboration, project, experiment, run) = publishing.driver, study.keys
    driver.collaborations.create(collaboration)
    driver.projects.create(collaboration, project, wines.action, {})
    driver.experiments.create(collaboration, project, experiment, list(wines.architecture))
    driver.runs.create(collaboration, project, experiment, run, **{**wines.hyperparameters, **study.run})
    return study


def test_two_are_registered_tagged_by_tree_and_a_missing_folder_is_found_from_the_failed_alignment(
    visitor: Visitor, pages: RunningPortal, study: Study, wines: Dataset
) -> None:
    collaboration, project, *_ = study.keys
    visitor.origins |= pages.origins
    [first, second] = study.grid.grid.workers
    for holding, program in zip(wines.holdings, (first, second), strict=True):
        who, node = holding.participant_id, program.node
        visitor.open(f"{pages.view}/participants/new")
        visitor.fill({"Name": who, "In a sentence or two": "An organisation."})
        visitor.follow("Declare")
        visitor.follow("Register for a project")
        visitor.fill({"Project": f"{collaboration} / {project}"})
        visitor.follow("Go on")
        visitor.fill({"Host": str(node["host"]), "Command port": str(node["f_port"]), "Data port": str(node["port"])})
        visitor.follow("Check and register")
        # What is published is known as soon as the worker was asked.
        folder = "/".join(holding.train)
        box = visitor.page.get_by_role("checkbox", name=f"To train on: {folder}", exact=True)
        until(partial(_is_shown, visitor, box), "what is published to be known", every=0.5)
        box.check()
        if who == wines.holdings[0].participant_id:
            visitor.fill({"To measure on": "gone/folder"})
        visitor.follow("Save")
        visitor.sees("reachable", " / ".join(holding.train))

    failed = study.align()
    assert not failed["success"]
    visitor.open(f"{pages.view}/jobs?state=failed")
    visitor.page.get_by_role("main").get_by_role("link", name=re.compile("^alignment")).first.click()
    visitor.page.get_by_role("main").get_by_role("link", name=re.compile("^The tags of")).click()

    expect(visitor.page).to_have_url(re.compile("#evaluate-0$"))
    expect(visitor.page.locator("#evaluate-0")).to_contain_text("gone / folder")
    # From a place on the page to the page itself: the nodes are asked anew, and nothing is scrolled.
    with visitor.page.expect_event("load"):
        visitor.follow("Check now")
    visitor.page.locator("#evaluate-0").get_by_role("link").click()
    visitor.fill({"To measure on": "/".join(wines.holdings[0].evaluate or ())})
    visitor.follow("Save")
    assert study.align()["success"]


def test_its_rows_are_predicted_and_lie_on_its_own_disk(
    visitor: Visitor, pages: RunningPortal, study: Study, wines: Dataset
) -> None:
    who = wines.holdings[0].participant_id
    assert study.train()["success"]
    visitor.origins |= pages.origins
    visitor.open(f"{pages.view}/participants/{who}")
    visitor.sees("training", "Done.")
    visitor.follow("Predict")
    visitor.fill({"Model": " / ".join(study.keys), "Data": "/".join(wines.holdings[0].predict or ())})
    visitor.follow("Predict")

    visitor.sees("completed")
    place = visitor.page.get_by_role("group", name="Predictions", exact=True).locator("code")
    expect(place).to_contain_text(str(study.grid.outputs(who)))
    assert Path(place.inner_text()).exists()


def test_the_state_of_the_grid_shows_what_there_is(visitor: Visitor, pages: RunningPortal, study: Study) -> None:
    visitor.origins |= pages.origins
    visitor.open(f"{pages.nav}/status")

    visitor.sees("a grid with one TTP", "free", "worker_1", "worker_2", "reachable")


def test_nobody_is_kept_from_them(visitor: Visitor, pages: RunningPortal, study: Study, wines: Dataset) -> None:
    collaboration, project, *_ = study.keys
    who = wines.holdings[0].participant_id
    place = f"{pages.view}/participants/{who}/registrations/{collaboration}/{project}"
    visitor.origins |= pages.origins

    wrong = visitor.kept_from(
        (
            f"{pages.view}/participants",
            f"{pages.view}/participants?collab_id={collaboration}&project_id={project}",
            f"{pages.view}/participants/{who}",
            place,
            f"{place}/nodes",
            f"{place}/tags",
            f"{pages.view}/participants/{who}/predict",
            f"{pages.view}/participants/{who}/registrations",
            f"{pages.view}/participants/{who}/results",
            f"{pages.nav}/status",
            f"{pages.nav}/status/workers",
        )
    )

    assert not wrong, "\n".join(wrong)


def _is_shown(visitor: Visitor, place: Locator) -> bool:
    """Whether the page has it; where it has not, it is read anew for the next look."""
    if place.count():
        return True
    visitor.page.reload()
    return False
