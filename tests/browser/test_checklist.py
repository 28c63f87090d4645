"""From an empty grid to a validated model by the checklist alone, by mouse and by keyboard, with tables and with pictures, on a basic grid and on a cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import pytest

from grids.cluster_grid import GRIDS, cluster, is_under_way, jobs_of, wait_for_jobs
from grids.real_grid import ENDLESS, RealGrid, Study, started
from servers.portal import RunningPortal, running
from support.checklist import ByKeyboard, ByMouse, Hand, declared, validated
from support.visitor import Visitor
from support.waiting import until
from synergos_simulator.datasets import Dataset, write_example

pytestmark = pytest.mark.slow

WAYS: dict[type[Hand], tuple[str, ...]] = {
    ByMouse: ("I orchestrate", "Collaborations", "Create"),
    ByKeyboard: ("Collaborations", "New collaboration"),
}
"""To a new collaboration, from the first page on."""


@dataclass(frozen=True)
class Place:
    """A grid, and the portal in front of it."""

    grid: RealGrid
    portal: RunningPortal

    def clear(self) -> None:
        """Have nothing declared."""
        driver = self.grid.driver
        for collaboration in driver.collaborations.read_all()["data"]:
            driver.collaborations.delete(collaboration["key"]["collab_id"])
        for participant in driver.participants.read_all()["data"]:
            driver.participants.delete(participant["id"])
        assert driver.collaborations.read_all()["data"] == driver.participants.read_all()["data"] == []


@pytest.fixture(scope="module")
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, data: Path) -> Iterator[Place]:
    """One of each kind of grid."""
    kinds: dict[str, Callable[..., AbstractContextManager[RealGrid]]] = {"basic": started, "cluster": cluster}
    with (
        kinds[request.param](tmp_path_factory.mktemp("grid"), data) as grid,
        running(tmp_path_factory.mktemp("portal"), grid.driver.address) as portal,
    ):
        yield Place(grid, portal)


@pytest.fixture(scope="module")
def digits(data: Path) -> Dataset:
    """Pictures of two participants."""
    return write_example(data, "digits_images", most_rows=200)


@pytest.mark.parametrize(
    ("place", "by", "kind_of_data"),
    [
        ("basic", ByMouse, "wine"),
        ("basic", ByKeyboard, "digits"),
        ("cluster", ByMouse, "digits"),
        ("cluster", ByKeyboard, "wine"),
    ],
    indirect=["place"],
    scope="module",
)
def test_the_checklist_leads_from_an_empty_grid_to_a_validated_model(
    visitor: Visitor, place: Place, by: type[Hand], kind_of_data: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """Whatever two of them are: the hand, the data and the grid."""
    dataset: Dataset = request.getfixturevalue(kind_of_data)
    place.clear()
    hand = by(visitor)
    declared(hand, place.portal, visitor, "first", *WAYS[by])

    validated(hand, visitor, dataset, [[each.node for each in its] for its in place.grid.nodes()], tmp_path)

    assert len(place.grid.driver.validations.read("first collaboration", "first", "network", "first")["data"]) == 2


@pytest.mark.parametrize("place", ["cluster"], indirect=True)
def test_a_job_of_a_cluster_says_what_it_waits_for_and_goes_on_by_itself(
    visitor: Visitor, place: Place, wine: Dataset
) -> None:
    two_grids = place.grid
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
    visitor.origins |= place.portal.origins
    visitor.open(f"{place.portal.view}/jobs?state=waiting&stage=validate")
    visitor.sees(f"Waits until job {first['id'][:8]} has ended.")
    visitor.open(f"{place.portal.view}/jobs/{waiting['id']}")
    visitor.sees("Waits: 2 of 2 sub-grids are busy.")

    two_grids.driver.jobs.cancel(first["id"])

    visitor.sees("Round ", "of 100000 is done.")
    for job in jobs_of(study):
        two_grids.driver.jobs.cancel(job["id"])
    wait_for_jobs(study)
