"""What a command does with the jobs that stage requests have become."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any

import typer

from synergos import Driver
from synergos.cli.job import end_as, show_jobs, wait_for
from synergos.cli.outcomes import show_outcomes
from synergos.cli.output import Format, say
from synergos.cli.short_ids import shortened
from synergos.cli.showing import warn
from synergos.driver import DriverError

Job = dict[str, Any]

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
    driver: Driver,
    call: Callable[..., Mapping[str, Any]],
    requests: Sequence[Mapping[str, Any]],
    output: Format,
    wait: bool,
    timeout: float | None,
) -> None:
    """Ask for stages, see their jobs through, and write them and what came of them to standard output.

    Args:
        call: of the driver, made once for each of the requests.

    Raises:
        typer.Exit: one failed or was cancelled.
    """
    jobs = _begun(call, requests)
    if wait:
        jobs = wait_for(driver, [job["id"] for job in jobs], timeout)
    show_jobs(jobs, output)
    if output is Format.TABLE:
        show_outcomes(driver, jobs)
    end_as(jobs)


def _begun(call: Callable[..., Mapping[str, Any]], requests: Sequence[Mapping[str, Any]]) -> list[Job]:
    """The jobs of all requests; where one is refused, those before it go on and are named."""
    jobs: list[Job] = []
    for request in requests:
        try:
            answer = call(**request, respond_async=True)
        except DriverError:
            if jobs:
                say(f"before that, and going on: {', '.join(shortened(job['id'] for job in jobs).values())}")
            raise
        warn(answer)
        jobs += [dict(job) for job in answer["data"]]
    return jobs
