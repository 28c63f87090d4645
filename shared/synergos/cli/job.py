"""``synergos job``: look at jobs, wait for them, cancel them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

from synergos.cli.address import AddressOption, driver_for
from synergos.cli.exits import ExitCode
from synergos.cli.output import Format, FormatOption, print_json, print_table, standard_error
from synergos.driver.progress import describe, display_on, ids_of, label_of

app = typer.Typer(no_args_is_help=True, help="Look at an orchestrator's jobs, wait for them, cancel them.")

Job = Mapping[str, Any]
JobIds = Annotated[list[str], typer.Argument(metavar="JOB...", help="Ids, as `synergos job list` shows them.")]
JobId = Annotated[str, typer.Argument(metavar="JOB", help="An id, as `synergos job list` shows it.")]
_OUTCOMES = {"failed": ExitCode.JOB_FAILED, "cancelled": ExitCode.JOB_CANCELLED}


@app.command("list")
def list_jobs(
    state: Annotated[
        str | None, typer.Option(help="Only those waiting, queued, running, completed, failed or cancelled.")
    ] = None,
    stage: Annotated[str | None, typer.Option(help="Only those of preprocess, train, validate or predict.")] = None,
    collaboration: Annotated[str | None, typer.Option(help="Only those of this collaboration.")] = None,
    project: Annotated[str | None, typer.Option(help="Only those of this project.")] = None,
    address: AddressOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    """List jobs, oldest first."""
    asked = {"state": state, "stage": stage, "collab_id": collaboration, "project_id": project}
    with driver_for(address) as driver:
        jobs = driver.jobs.read_all(**{name: value for name, value in asked.items() if value is not None})["data"]
    _show(jobs, output)


@app.command()
def show(job: JobId, address: AddressOption = None, output: FormatOption = Format.TABLE) -> None:
    """Show one job: its keys, progress, times and error."""
    with driver_for(address) as driver:
        found = driver.jobs.read(job)["data"]
    if output is Format.JSON:
        print_json(found)
    else:
        print_table(f"Job {job}", ("field", "value"), _fields(found))


@app.command()
def wait(
    jobs: JobIds,
    timeout: Annotated[float | None, typer.Option(help="Give up after so many seconds. Default: never.")] = None,
    address: AddressOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    """Wait until jobs have ended, with their progress on standard error.

    Ends with 5 when one failed, 6 when one was cancelled, 7 when they took longer than the time-out.
    """
    with driver_for(address) as driver, display_on(standard_error()) as display:
        ended = driver.jobs.wait(jobs, on_progress=lambda job: display.job(label_of(job), job), timeout=timeout)
    _show(ended, output)
    outcomes = {_OUTCOMES.get(job["state"], ExitCode.OK) for job in ended}
    for code in (ExitCode.JOB_FAILED, ExitCode.JOB_CANCELLED):
        if code in outcomes:
            raise typer.Exit(code)


@app.command()
def cancel(job: JobId, address: AddressOption = None, output: FormatOption = Format.TABLE) -> None:
    """Ask a job to stop; it does so as soon as what it is doing can be left."""
    with driver_for(address) as driver:
        _show([driver.jobs.cancel(job)["data"]], output)


def _show(jobs: Sequence[Job], output: Format) -> None:
    if output is Format.JSON:
        print_json(list(jobs))
        return
    rows = [
        {
            "id": job["id"],
            "stage": job["stage"],
            "of": "/".join(ids_of(job)),
            "how_it_stands": describe(job),
            "created": job["created_at"],
            "finished": job["finished_at"],
        }
        for job in jobs
    ]
    print_table(f"{len(rows)} jobs", ("id", "stage", "of", "how_it_stands", "created", "finished"), rows)


def _fields(job: Job) -> list[dict[str, object]]:
    flat: dict[str, object] = {}
    for name, value in job.items():
        if isinstance(value, Mapping):
            flat |= {f"{name}.{inner}": part for inner, part in value.items()}
        else:
            flat[name] = value
    return [{"field": name, "value": value} for name, value in flat.items()]
