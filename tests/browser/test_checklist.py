"""From an empty grid to a validated model by the checklist alone: with a mouse on tables, and with a keyboard on pictures in a cluster."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from grids.cluster_grid import GRIDS, Cluster, cluster, is_under_way, jobs_of, wait_for_jobs
from grids.real_grid import ENDLESS, WORKERS, RealGrid, Study, started
from servers.portal import RunningPortal, running
from support.visitor import Visitor
from support.waiting import until
from synergos_simulator.datasets import Dataset, write_example

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture
def empty_grid(tmp_path: Path, data: Path) -> Iterator[RealGrid]:
    """One in which nothing is declared."""
    with started(tmp_path / "grid", data) as found:
        yield found


@pytest.fixture(scope="module")
def two_grids(tmp_path_factory: pytest.TempPathFactory, data: Path) -> Iterator[Cluster]:
    """A cluster, empty until the first test."""
    with cluster(tmp_path_factory.mktemp("cluster"), data) as found:
        yield found


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory, two_grids: Cluster) -> Iterator[RunningPortal]:
    """The portal in front of its director."""
    with running(tmp_path_factory.mktemp("portal"), two_grids.driver.address) as found:
        yield found


class ByMouse:
    """Clicks on what is to be used."""

    def __init__(self, visitor: Visitor) -> None:
        self._visitor = visitor

    def follow(self, name: str) -> None:
        with self._visitor.page.expect_navigation():
            self._visitor.follow(name)

    def fill(self, fields: Mapping[str, str]) -> None:
        self._visitor.fill(fields)

    def upload(self, summary: str, label: str, file: Path) -> None:
        self._visitor.page.get_by_text(summary).click()
        self._visitor.page.get_by_label(label, exact=True).set_input_files(file)


class ByKeyboard:
    """Reaches what is to be used with the Tab key, and never touches the mouse."""

    def __init__(self, visitor: Visitor) -> None:
        self._visitor = visitor

    def follow(self, name: str) -> None:
        self._visitor.tab_to(name)
        with self._visitor.page.expect_navigation():
            self._visitor.press("Enter")

    def fill(self, fields: Mapping[str, str]) -> None:
        for label, value in fields.items():
            self._visitor.tab_to(label)
            self._visitor.press("Control+a")
            for number, line in enumerate(value.splitlines()):
                if number:
                    self._visitor.press("Enter")
                self._visitor.page.keyboard.type(line)

    def upload(self, summary: str, label: str, file: Path) -> None:
        self._visitor.tab_to(summary)
        self._visitor.press("Enter")
        self._visitor.tab_to(label)
        with self._visitor.page.expect_file_chooser() as chosen:
            self._visitor.press("Enter")
        chosen.value.set_files(file)


Hand = ByMouse | ByKeyboard


def declared(hand: Hand, portal: RunningPortal, visitor: Visitor, name: str, *way: str) -> None:
    """A collaboration and its project, from the portal's first page on."""
    visitor.origins |= portal.origins
    visitor.open(f"{portal.nav}/")
    for link in way:
        hand.follow(link)
    hand.fill({"Name": f"{name} collaboration"})
    hand.follow("Declare")
    hand.follow("New project")
    hand.fill({"Name": name})
    hand.follow("Declare")
    visitor.sees("to do: Participants are registered")


def registered(hand: Hand, visitor: Visitor, who: str, nodes: Sequence[Mapping[str, Any]]) -> None:
    """A new participant with its nodes, from the page that the checklist leads to."""
    hand.follow("New participant")
    hand.fill({"Name": who})
    hand.follow("Declare")
    hand.follow("Register for a project")
    hand.follow("Go on")
    for _ in nodes[1:]:
        hand.follow("Add a node")
    for number, node in enumerate(nodes):
        group = visitor.page.get_by_role("group", name=f"Node {number}", exact=True)
        for label, key in (("Host", "host"), ("Command port", "f_port"), ("Data port", "port")):
            field = group.get_by_label(label, exact=True)
            if isinstance(hand, ByMouse):
                field.fill(str(node[key]))
                continue
            while not field.evaluate("field => field === document.activeElement"):
                visitor.press("Tab")
            visitor.press("Control+a")
            visitor.page.keyboard.type(str(node[key]))
    hand.follow("Check and register")


def validated(
    hand: Hand, visitor: Visitor, dataset: Dataset, nodes: Sequence[Sequence[Mapping[str, Any]]], folder: Path
) -> None:
    """The cycle, step by step: each is the one button that the checklist has for the next."""
    project = visitor.page.url

    def next_step(verb: str) -> None:
        visitor.open(project)
        expect(visitor.page.locator("#checklist ~ ol .btn-primary")).to_have_text(verb)
        hand.follow(verb)

    for who, holding, its in zip(WORKERS, dataset.holdings, nodes, strict=True):
        if who == WORKERS[0]:
            next_step("Register participants")
        else:
            visitor.open(re.sub("/collaborations.*", "/participants", project))
        registered(hand, visitor, who, its)
        hand.fill({"To train on": "/".join(holding.train), "To measure on": "/".join(holding.evaluate or ())})
        hand.follow("Save")

    architecture, hyperparameters = folder / "architecture.json", folder / "hyperparameters.json"
    architecture.write_text(json.dumps(dataset.architecture))
    hyperparameters.write_text(json.dumps({**dataset.hyperparameters, "rounds": 2, "epochs": 1}))
    for verb, name, file, show in (
        ("New experiment", "network", architecture, "Show the layers of this file"),
        ("New run", "first", hyperparameters, "Show what this file says"),
    ):
        next_step(verb)
        hand.upload(f"Upload {file.name} instead", file.name, file)
        hand.follow(show)
        hand.fill({"Name": name})
        hand.follow("Declare")
    # Everything that is left to do is chosen there already.
    next_step("Align")
    visitor.sees("3 jobs")
    hand.follow("Start")
    visitor.sees("All jobs of this launch have ended.")
    expect(visitor.page.get_by_role("row").filter(has_text="completed")).to_have_count(3)
    visitor.open(project)
    visitor.sees("done: Models are validated", "All done: compare runs, or declare another one.")


def test_with_a_mouse_on_tables(visitor: Visitor, empty_grid: RealGrid, wine: Dataset, tmp_path: Path) -> None:
    with running(tmp_path / "portal", empty_grid.grid.ttp.address) as portal:
        hand = ByMouse(visitor)
        declared(hand, portal, visitor, "vintages", "I orchestrate", "Collaborations", "Create")

        validated(hand, visitor, wine, [[each.node for each in its] for its in empty_grid.nodes()], tmp_path)

    driver = empty_grid.driver
    assert len(driver.validations.read("vintages collaboration", "vintages", "network", "first")["data"]) == 2


def test_with_a_keyboard_on_pictures_in_a_cluster(
    visitor: Visitor, two_grids: Cluster, pages: RunningPortal, data: Path, tmp_path: Path
) -> None:
    digits = write_example(data, "digits_images", most_rows=200)
    hand = ByKeyboard(visitor)
    declared(hand, pages, visitor, "figures", "Collaborations", "New collaboration")

    validated(hand, visitor, digits, [[each.node for each in its] for its in two_grids.nodes()], tmp_path)

    driver = two_grids.driver
    assert len(driver.validations.read("figures collaboration", "figures", "network", "first")["data"]) == 2


def test_a_job_of_a_cluster_says_what_it_waits_for_and_goes_on_by_itself(
    visitor: Visitor, two_grids: Cluster, pages: RunningPortal, wine: Dataset
) -> None:
    study = Study(two_grids, wine, "queued", {**ENDLESS})
    study.declare()
    for name in ("second", "third"):
        two_grids.driver.runs.create(*study.keys[:3], name, **{**wine.hyperparameters, **ENDLESS})
    study.align()
    wait_for_jobs(study)
    two_grids.driver.models.create(*study.keys[:3])
    until(lambda: sum(is_under_way(job) for job in study.jobs("train")) == GRIDS, "two trainings to run")
    [waiting] = [job for job in study.jobs("train") if not is_under_way(job)]
    first = next(job for job in study.jobs("train") if is_under_way(job))
    two_grids.driver.validations.create(*study.keys[:3], first["keys"]["run_id"])
    visitor.origins |= pages.origins
    visitor.open(f"{pages.view}/jobs?state=waiting&stage=validate")
    visitor.sees(f"Waits until job {first['id'][:8]} has ended.")
    visitor.open(f"{pages.view}/jobs/{waiting['id']}")
    visitor.sees("Waits: 2 of 2 sub-grids are busy.")

    two_grids.driver.jobs.cancel(first["id"])

    visitor.sees("Round ", "of 100000 is done.")
    for job in jobs_of(study):
        two_grids.driver.jobs.cancel(job["id"])
    wait_for_jobs(study)
