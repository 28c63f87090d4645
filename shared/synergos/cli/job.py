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
from synergos.cli.output import Format, FormatOption, moment, print_fields, print_json, print_table, standard_error
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
    if output is Format.JSON:
        print_json(found)
    else:
        print_fields(f"Job {found['id']}", found)


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
def events(
    driver: Driver,
    job: JobId,
    attempt: AttemptOption = None,
    limit: LimitOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    """Show what has happened to a job, the newest last."""
    found = _history(driver, job, driver.jobs.events, attempt)
    _show_history(found, "event", _what_happened, limit, output)


@connected
def metrics(
    driver: Driver,
    job: JobId,
    attempt: AttemptOption = None,
    limit: LimitOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    """Show what the rounds of a training have lost, the newest last; it may be running."""
    found = _history(driver, job, driver.jobs.metrics, attempt)
    _show_history(found, "round", _what_was_lost, limit, output)


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


def _history(driver: Driver, job: str, call: Callable[..., Response], attempt: int | None) -> list[Job]:
    return with_jobs(driver, [job], lambda ids: call(ids[0], attempt=attempt)["data"])


def _show_history(
    found: Sequence[Job], noun: str, row: Callable[[Job], Job], limit: int | None, output: Format
) -> None:
    """Write what is known of a job to standard output, of much the newest part."""
    most = limit_of(limit, output)
    shown = found if most is None else found[-most:]
    if output is Format.JSON:
        print_json(list(shown))
        return
    rows = [row(each) for each in shown]
    more = "" if len(shown) == len(found) else f", the newest of {len(found)}"
    print_table(f"{len(rows)} {noun}{'' if len(rows) == 1 else 's'}{more}", tuple(rows[0]) if rows else (), rows)


def _what_happened(event: Job) -> Job:
    return {"at": moment(event["at"]), "attempt": event["attempt"], "what_happened": event["sentence"]}


def _what_was_lost(lost: Job) -> Job:
    return {name: lost[name] for name in ("round", "attempt", "train", "evaluate", "participants")}


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
    title = "1 job" if len(rows) == 1 else f"{len(rows)} jobs"
    print_table(title, ("id", "stage", "of", "how_it_stands", "created"), rows)
