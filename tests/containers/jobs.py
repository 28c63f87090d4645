"""Jobs of a grid in containers, as a client sees them."""

from __future__ import annotations

from collections.abc import Iterable, Set
from dataclasses import replace
from typing import Any

from containers.grids import LOG_SERVERS, ComposeGrid
from containers.received import STAGES, Received, refuse_malformed, stages_of
from support.original_notebooks import Body, Cycle, Notebook, refuse_errors, run_notebook
from support.waiting import until


class Notebooks:
    """The notebooks that run on a grid, each once: whatever looks at what one has left does not count on who ran it."""

    def __init__(self, grid: ComposeGrid) -> None:
        self._grid = grid
        self._answers: dict[str, dict[str, Body]] = {}

    def ran(self, notebook: Notebook) -> dict[str, Body]:
        """What it got."""
        if notebook.dataset not in self._answers:
            self._answers[notebook.dataset] = run_notebook(self._grid.deployment, notebook)
        return self._answers[notebook.dataset]


def cycle(grid: ComposeGrid, notebook: Notebook, name: str) -> Cycle:
    """A notebook up to its alignment, in a collaboration that has this name in it."""
    begun = Cycle(replace(grid.deployment, name=name), notebook)
    refuse_errors({**begun.declare(), "alignments": begun.align()})
    return begun


def logged_cycle(grid: ComposeGrid, notebook: Notebook, loggers: set[str]) -> None:
    """Go through a notebook, and see that all stages and all these loggers were heard at the log server, by the grid's transport alone."""
    before = sum(one.transport != grid.transport for one in grid.received())
    begun = cycle(grid, notebook, f"by_{grid.transport}")
    refuse_errors({"models": begun.train(), "validations": begun.validate(), "predictions": begun.predict(1)})

    records = heard(grid, loggers, begun.ids[1], STAGES)

    assert sum(one.transport != grid.transport for one in records) == before


def heard(grid: ComposeGrid, loggers: set[str], project: str = "", stages: Set[str] = frozenset()) -> list[Received]:
    """What came to the log server, once all these loggers and these stages of a project are among it, by the grid's transport."""

    def missing() -> set[str]:
        records = [one for one in grid.received() if one.transport == grid.transport]
        return (set(stages) - stages_of(records, project)) | (loggers - {one.logger for one in records})

    try:
        until(lambda: not missing(), "all stages and loggers to be heard at the log server", every=0.5)
    except AssertionError as silent:
        said = LOG_SERVERS[grid.deployment.name].log[-2000:]
        raise AssertionError(f"{silent}: {sorted(missing())} were not; the log server says {said!r}") from None
    records = grid.received()
    refuse_malformed(records)
    return records


def programs_started(records: Iterable[Received]) -> set[str]:
    """The programs that said what they were started with."""
    return {one.logger for one in records if one.fields.get("_event") == "input parameters"}


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
