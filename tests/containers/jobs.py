"""Jobs of a grid in containers, as a client sees them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from containers.grids import ComposeGrid
from support.original_notebooks import Cycle, Notebook, refuse_errors
from support.waiting import until


def cycle(grid: ComposeGrid, notebook: Notebook, name: str) -> Cycle:
    """A notebook up to its alignment, in a collaboration that has this name in it."""
    begun = Cycle(replace(grid.deployment, name=name), notebook)
    refuse_errors({**begun.declare(), "alignments": begun.align()})
    return begun


def under_way(grid: ComposeGrid) -> dict[str, Any]:
    """The training that runs, once it is some rounds on."""

    def running() -> list[dict[str, Any]]:
        jobs = grid.driver.jobs.read_all(stage="train", state="running")["data"]
        return [job for job in jobs if job["progress"].get("round", 0) >= 2]

    until(lambda: bool(running()), "a training to be under way")
    [job] = running()
    return job


def state_of(grid: ComposeGrid, job_id: str) -> dict[str, Any]:
    """A job as it is now."""
    found: dict[str, Any] = grid.driver.jobs.read(job_id)["data"]
    return found


def ended(grid: ComposeGrid, job_id: str) -> dict[str, Any]:
    """A job, once it has ended."""
    until(lambda: state_of(grid, job_id)["state"] in ("completed", "failed", "cancelled"), "the job to end")
    return state_of(grid, job_id)
