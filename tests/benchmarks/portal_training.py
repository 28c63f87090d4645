"""A training that goes on, on a grid of processes, and a portal that shows it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from grids.processes import executed
from grids.real_grid import ENDLESS, RealGrid, Study, started
from servers.portal import RunningPortal, running
from support.waiting import until
from synergos_simulator.datasets import write_example


@dataclass(frozen=True)
class Training:
    """The job, what runs it, and what shows it."""

    grid: RealGrid
    portal: RunningPortal
    job_id: str

    def round(self) -> tuple[int, datetime]:
        """How many rounds are committed, and when that was known; it is told five times a second."""
        job = self.grid.driver.jobs.read(self.job_id)["data"]
        assert job["state"] == "running", job
        return int(job["progress"]["round"]), datetime.fromisoformat(job["progress"]["updated_at"])


@contextmanager
def training() -> Iterator[Training]:
    """One that goes on for as long as the block."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        data = folder / "data"
        wine = write_example(data, "wine")
        with (
            started(folder / "grid", data) as grid,
            running(folder / "portal", grid.grid.ttp.address, start=executed) as portal,
        ):
            study = Study(grid, wine, "watched", {**ENDLESS, "epochs": 40})
            study.declare()
            study.align()
            [job] = grid.driver.models.create(*study.keys, respond_async=True)["data"]
            until(lambda: _is_in_rounds(grid, job["id"]), "the training to begin", 120.0)
            try:
                yield Training(grid, portal, job["id"])
            finally:
                grid.driver.jobs.cancel(job["id"])
                grid.driver.jobs.wait(job["id"], raise_errors=False)


def _is_in_rounds(grid: RealGrid, job_id: str) -> bool:
    job = grid.driver.jobs.read(job_id)["data"]
    assert job["state"] in ("queued", "running"), job
    return int(job["progress"].get("round") or 0) > 1
