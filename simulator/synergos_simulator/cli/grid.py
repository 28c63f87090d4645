"""``synergos grid``: a grid on this machine, started, shown and stopped."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from synergos.cli.exits import ExitCode
from synergos.cli.output import Format, FormatOption, print_json, print_table, standard_error
from synergos_simulator.cli.local_grid import DEFAULT_FOLDER
from synergos_simulator.cli.log_options import (
    AuthorityOption,
    GraylogOption,
    TakesGraylog,
    TransportOption,
    log_flags,
)
from synergos_simulator.cli.mlops_option import MlopsOption, with_mlops
from synergos_simulator.cli.portal_option import PortalOption, with_portal
from synergos_simulator.cli.tls_option import TlsOption, consortium_in
from synergos_simulator.cluster_status import cluster_status
from synergos_simulator.datasets import NAMES, Split, write_example
from synergos_simulator.grid import Disclosure, Grid, Planned, is_healthy, stop_grid
from synergos_simulator.kinds import GridKind, plan_of
from synergos_simulator.state import GridState

app = typer.Typer(no_args_is_help=True, help="Start, show and stop a grid of plain processes on this machine.")

FolderOption = Annotated[
    Path, typer.Option("--folder", help="Where the grid keeps its logs, outputs and state file.", file_okay=False)
]


@app.command(cls=TakesGraylog)
def up(
    kind: Annotated[GridKind, typer.Option("--grid", help="Which kind of grid to start.")] = GridKind.BASIC,
    workers: Annotated[int, typer.Option(min=1, max=50, help="How many workers: worker_1, worker_2, …")] = 2,
    data: Annotated[
        Path | None,
        typer.Option(
            help="Data root of every worker. Default: example datasets are written below the folder.",
            exists=True,
            file_okay=False,
        ),
    ] = None,
    folder: FolderOption = DEFAULT_FOLDER,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Command port of the TTP or director; 0 takes a free one.")
    ] = 0,
    cpus: Annotated[int, typer.Option(min=1, help="Processor cores each program may use.")] = 1,
    disclosure: Annotated[
        Disclosure,
        typer.Option(
            envvar="SYNERGOS_DISCLOSURE",
            help="How much may leave the workers: strict withholds what few rows share; examples have levels of one row.",
        ),
    ] = Disclosure.OPEN,
    tls: TlsOption = False,
    outbound: Annotated[
        bool,
        typer.Option("--outbound", help="Workers listen nowhere, dial their TTPs, and are registered by fingerprint."),
    ] = False,
    mlops: MlopsOption = False,
    portal: PortalOption = False,
    graylog: GraylogOption = None,
    logging_transport: TransportOption = None,
    logging_ca: AuthorityOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    """Start a grid, wait until its programs answer, and leave them running."""
    console = standard_error()
    folder = folder.resolve()
    root = data.resolve() if data else folder / "data"
    names = [f"worker_{number}" for number in range(1, workers + 1)]
    logging = log_flags(graylog, logging_transport, logging_ca)
    consortium = consortium_in(folder, tls)
    plan = plan_of(kind, folder, root, names, port, cpus, disclosure, logging, consortium, outbound=outbound)

    def tracked(plain: Planned) -> Planned:
        return with_mlops(plain, console) if mlops or kind is GridKind.PLUS else plain

    grid = Grid.planned(with_portal(plan, tracked) if portal else tracked(plan))
    if data is None:
        console.print(f"writing example datasets to {root}", highlight=False)
        for name in NAMES:
            for split in Split:
                write_example(root, name, workers, split)
    console.print(f"starting a {kind} grid for {workers} participants; logs are in {folder / 'logs'}", highlight=False)
    with grid:
        grid.wait_until_healthy()
        grid.release()
    show_grid(grid.state, folder, output)
    if grid.portal is not None:
        console.print(f"The portal's pages: {grid.portal.address}", highlight=False, soft_wrap=True)


@app.command()
def down(folder: FolderOption = DEFAULT_FOLDER, output: FormatOption = Format.TABLE) -> None:
    """Stop the grid that was started in a folder: only its own processes, with time to finish what they do."""
    stop_grid(folder.resolve())
    show_grid(GridState.load(folder.resolve()), folder.resolve(), output)


@app.command()
def status(folder: FolderOption = DEFAULT_FOLDER, output: FormatOption = Format.TABLE) -> None:
    """Show what runs and where it listens; ends with 1 when something of the grid does not answer."""
    state = GridState.load(folder.resolve())
    show_grid(state, folder.resolve(), output)
    show_cluster(state, output)
    if not all(is_healthy(program) for program in state.programs):
        raise typer.Exit(ExitCode.FAILED)


def show_grid(state: GridState, folder: Path, output: Format) -> None:
    """Write where a grid's programs listen and how they are."""
    rows: list[dict[str, object]] = [
        {
            "name": program.name,
            "state": _state(program.is_running, is_healthy(program)),
            "address": program.address,
            "data_port": program.data_port or None,
            "fingerprint": program.fingerprint,
            "pid": program.identity.pid if program.identity else None,
            "exit_code": program.exit_code,
            "log": program.log,
        }
        for program in state.programs
    ]
    if output is Format.JSON:
        print_json({"folder": str(folder), "data": state.data, "programs": rows, **cluster_status(state)})
    else:
        print_table(f"Grid in {folder}", ("name", "state", "address", "data_port", "pid", "exit_code", "log"), rows)


def show_cluster(state: GridState, output: Format) -> None:
    """Write what lies in a running cluster's queues, which sub-grids have a TTP, and which jobs have not ended."""
    status = cluster_status(state)
    if not status or output is Format.JSON:
        return
    print_table("Queues", ("queue", "waiting"), status["queues"])
    print_table("Sub-grids", ("ttp", "grid", "is_active"), status["grids"])
    columns = ("job", "stage", "project", "state", "grid", "attempts", "reason")
    print_table("Jobs that have not ended", columns, status["jobs"])


def _state(running: bool, healthy: bool) -> str:
    if not running:
        return "stopped"
    return "healthy" if healthy else "not answering"
