"""From an empty grid to a validated model by the checklist alone: with a mouse on tables, and with a keyboard on pictures in a cluster."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from grids.cluster_grid import GRIDS, Cluster, cluster, is_under_way, jobs_of, wait_for_jobs
from grids.real_grid import ENDLESS, RealGrid, Study, started
from servers.portal import RunningPortal, running
from support.checklist import ByKeyboard, ByMouse, declared, validated
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
