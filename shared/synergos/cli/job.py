"""``synergos job``: look at jobs and what has happened to them, wait for them, cancel them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any

import typer

from synergos import Driver
from synergos.cli.completion import complete_job
from synergos.cli.connection import connected
from synergos.cli.exits import ExitCode
from synergos.cli.listing import LimitOption, limit_of, say_if_there_is_more
from synergos.cli.output import (
    Format,
    FormatOption,
    counted,
    moment,
    print_json,
    print_record,
    print_table,
    standard_error,
)
from synergos.cli.short_ids import shortened, with_jobs
from synergos.domain.keys import JOB_IDS
from synergos.driver.progress import describe, display_on, ids_of, label_of
from synergos.driver.transport import Response

Job = Mapping[str, Any]
_GIVEN = "as `synergos job list` shows it; its beginning is enough."
JobIds = Annotated[list[str], typer.Argument(metavar="JOB...", help=f"Ids, each {_GIVEN}", autocompletion=complete_job)]
JobId = Annotated[str, typer.Argument(metavar="JOB", help=f"An id, {_GIVEN}", autocompletion=complete_job)]
AttemptOption = Annotated[int | None, typer.Option(help="Only of this attempt, counted from 1.")]
_OUTCOMES = {"failed": ExitCode.JOB_FAILED, "cancelled": ExitCode.JOB_CANCELLED}


@connected
def list_jobs(
    driver: Driver,
    state: Annotated[
        str | None, typer.Option(help="Only those waiting, queued, running, completed, failed or cancelled.")
    ] = None,
    stage: Annotated[str | None, typer.Option(help="Only those of preprocess, train, validate or predict.")] = None,
    collaboration: Annotated[str | None, typer.Option(help="Only those of this collaboration.")] = None,
    project: Annotated[str | None, typer.Option(help="Only those of this project.")] = None,
    experiment: Annotated[str | None, typer.Option(help="Only those of this experiment.")] = None,
    run: Annotated[str | None, typer.Option(help="Only those of this run.")] = None,
    participant: Annotated[str | None, typer.Option(help="Only those of this participant.")] = None,
    limit: LimitOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    """List jobs, newest first."""
    ids = (collaboration, project, experiment, run, participant)
    asked = {"state": state, "stage": stage, **dict(zip(JOB_IDS, ids, strict=True))}
    answer = driver.jobs.read_all(**asked, order="newest", limit=limit_of(limit, output))
    show_jobs(answer["data"], output)
    say_if_there_is_more(answer)


@connected
def show(driver: Driver, job: JobId, output: FormatOption = Format.TABLE) -> None:
    """Show one job: its keys, progress, times and error."""
    found = with_jobs(driver, [job], lambda ids: driver.jobs.read(ids[0])["data"])
    print_record(f"Job {found['id']}", found, output)


@connected
def wait(
    driver: Driver,
    jobs: JobIds,
    timeout: Annotated[float | None, typer.Option(help="Give up after so many seconds. Default: never.")] = None,
    output: FormatOption = Format.TABLE,
) -> None:
    """Wait until jobs have ended, with their progress on standard error.

    Ends with 5 when one failed, 6 when one was cancelled, 7 when they took longer than the time-out.
    """
    ended = with_jobs(driver, jobs, lambda ids: wait_for(driver, ids, timeout))
    show_jobs(ended, output)
    end_as(ended)


@connected
def cancel(driver: Driver, job: JobId, output: FormatOption = Format.TABLE) -> None:
    """Ask a job to stop; it does so as soon as what it is doing can be left."""
    show_jobs([with_jobs(driver, [job], lambda ids: driver.jobs.cancel(ids[0])["data"])], output)


def wait_for(driver: Driver, jobs: Sequence[str], timeout: float | None) -> list[dict[str, Any]]:
    """The jobs as they ended, with their progress on standard error meanwhile."""
    with display_on(standard_error()) as display:
        # How they ended is shown, and is the exit code.
        return driver.jobs.wait(jobs, lambda job: display.job(label_of(job), job), timeout=timeout, raise_errors=False)


def end_as(jobs: Sequence[Job]) -> None:
    """End the command with what became of its jobs, unless they all completed.

    Raises:
        typer.Exit: one failed or was cancelled.
    """
    outcomes = {_OUTCOMES.get(job["state"], ExitCode.OK) for job in jobs}
    for code in (ExitCode.JOB_FAILED, ExitCode.JOB_CANCELLED):
        if code in outcomes:
            raise typer.Exit(code)


def _in_short(job: Job) -> Job:
    """A job without each participant's own losses, which are many."""
    progress = job.get("progress") or {}
    losses = {name: loss for name, loss in (progress.get("losses") or {}).items() if name != "participants"}
    return {**job, "progress": {**progress, "losses": losses}}


def _history_of(
    noun: str, call: Callable[[Driver], Callable[..., Response]], row: Callable[[Job], Job], about: str
) -> Callable[..., None]:
    """A command that shows what is known of a job over time, of much the newest part.

    Args:
        noun: what one thing of it is called.
        call: of the driver, with which it is asked for.
        row: one thing of it in a table.
        about: the command's help.
    """

    @connected
    def history(
        driver: Driver,
        job: JobId,
        attempt: AttemptOption = None,
        limit: LimitOption = None,
        output: FormatOption = Format.TABLE,
    ) -> None:
        found = with_jobs(driver, [job], lambda ids: call(driver)(ids[0], attempt=attempt)["data"])
        most = limit_of(limit, output)
        shown = found if most is None else found[-most:]
        if output is Format.JSON:
            print_json(list(shown))
            return
        rows = [row(each) for each in shown]
        more = "" if len(shown) == len(found) else f", the newest of {len(found)}"
        print_table(f"{counted(len(rows), noun)}{more}", tuple(rows[0]) if rows else (), rows)

    history.__doc__ = about
    return history


def _what_happened(event: Job) -> Job:
    return {"at": moment(event["at"]), "attempt": event["attempt"], "what_happened": event["sentence"]}


def _what_was_lost(lost: Job) -> Job:
    return {name: lost[name] for name in ("round", "attempt", "train", "evaluate", "participants")}


events = _history_of(
    "event",
    lambda driver: driver.jobs.events,
    _what_happened,
    "Show what has happened to a job, the newest last.",
)
metrics = _history_of(
    "round",
    lambda driver: driver.jobs.metrics,
    _what_was_lost,
    "Show what the rounds of a training have lost, the newest last; it may be running.",
)


def show_jobs(jobs: Sequence[Job], output: Format) -> None:
    """Write jobs to standard output."""
    if output is Format.JSON:
        print_json(list(jobs))
        return
    short = shortened(job["id"] for job in jobs)
    rows = [
        {
            "id": short[job["id"]],
            "stage": job["stage"],
            "of": "/".join(ids_of(job)),
            "how_it_stands": describe(_in_short(job)),
            "created": moment(job["created_at"]),
        }
        for job in jobs
    ]
    print_table(counted(len(rows), "job"), ("id", "stage", "of", "how_it_stands", "created"), rows)
