"""What an owner does not allow ends the job at once, as that participant's word, with the limit and what was asked."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

import pytest

from factories.worker_data import wine, write_frame
from grids.grid_in_process import GridInProcess, started
from grids.wine_grid import PARTS, WORKERS, declare, use
from synergos_worker.policy.limits import OwnerLimits


@pytest.fixture
def grid(tmp_path: Path) -> Iterator[GridInProcess]:
    for name, part in PARTS.items():
        write_frame(tmp_path / "data", [name], wine()[part])
    with started(tmp_path / "grid", tmp_path / "data", WORKERS, limits=OwnerLimits(least_participants=2)) as grid:
        yield grid


def test_a_run_that_asks_too_much_is_refused_by_name(grid: GridInProcess) -> None:
    declare(grid, "c", "modest", "bold", rounds=3)
    grid.driver.runs.update("c", "wines", "linear", "bold", lr=1e5)

    refused = grid.driver.models.create("c", "wines", "linear", "bold")
    use(grid, "c", "modest")

    assert refused["status"] == HTTPStatus.FORBIDDEN
    who, said = refused["message"].split(": ", 1)
    # Whichever is heard first: both refuse.
    assert who in WORKERS
    assert said == "policy.largest_rates: the owner of the data has set 10000; a round of this run comes to 1e+05"
    [job] = [job for job in grid.driver.jobs.read_all(stage="train")["data"] if job["state"] == "failed"]
    assert (job["error"]["kind"], job["error"]["participant"]) == ("WorkerForbids", who)


def test_a_round_that_goes_on_without_some_has_as_many_as_it_says(grid: GridInProcess) -> None:
    declare(grid, "c", "alone", min_participants=1)

    refused = grid.driver.models.create("c", "wines", "linear", "alone")

    assert refused["status"] == HTTPStatus.FORBIDDEN
    assert refused["message"].endswith(
        "least_participants: the owner of the data has set 2; a round of this run takes 1"
    )
