"""What a command does with the jobs that a stage request has become."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from synergos import Driver
from synergos.cli.job import end_as, show_jobs, wait_for
from synergos.cli.output import Format
from synergos.cli.showing import warn

WaitOption = Annotated[
    bool,
    typer.Option(
        "--wait/--no-wait", help="Wait for the end, with progress on standard error; or only begin, and show the jobs."
    ),
]
TimeoutOption = Annotated[
    float | None, typer.Option("--timeout", help="Stop waiting after so many seconds; the jobs go on. Default: never.")
]


def carry_out(
    driver: Driver, answer: Mapping[str, Any], output: Format, *, wait: bool, timeout: float | None
) -> list[dict[str, Any]]:
    """See a stage request through, and write its jobs to standard output.

    Returns:
        The jobs as they ended.

    Raises:
        typer.Exit: one failed or was cancelled.
    """
    warn(answer)
    jobs = [dict(job) for job in answer["data"]]
    if wait:
        jobs = wait_for(driver, [job["id"] for job in jobs], timeout)
    show_jobs(jobs, output)
    end_as(jobs)
    return jobs
