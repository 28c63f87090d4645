"""``synergos simulate``: the whole federated cycle on real data, on a grid of its own."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from synergos import Driver
from synergos.cli.output import Format, FormatOption, print_json, print_table, standard_error
from synergos.driver.progress import display_on
from synergos.errors import UnknownName
from synergos_simulator.cluster_simulation import ClusterSimulation
from synergos_simulator.datasets import NAMES, Dataset, Split, open_dataset, write_example
from synergos_simulator.grid import Disclosure, Grid
from synergos_simulator.kinds import GridKind, nodes_of, plan_of
from synergos_simulator.report import METRICS, write_report
from synergos_simulator.simulation import Simulation

RUNS = Path("synergos-run")
DEFAULT_PARTICIPANTS = 2


def simulate(
    dataset: Annotated[
        str,
        typer.Option(help=f"An example ({', '.join(NAMES)}), or the path of a dataset folder.", metavar="NAME|PATH"),
    ] = NAMES[0],
    split: Annotated[
        Split, typer.Option(help="Spread an example's rows evenly over participants, or skewed by label.")
    ] = Split.EVEN,
    grid: Annotated[GridKind, typer.Option(help="Which kind of grid to start.")] = GridKind.BASIC,
    rounds: Annotated[
        int | None, typer.Option(min=1, help="How often models are averaged. Default: what suits the dataset.")
    ] = None,
    algorithm: Annotated[
        str | None, typer.Option(help="FedAvg, FedProx, … Default: the dataset's, else FedProx.")
    ] = None,
    participants: Annotated[
        int | None, typer.Option(min=1, max=50, help="How many there are. Default: 2, or all a dataset folder has.")
    ] = None,
    keep: Annotated[
        bool, typer.Option("--keep", help="Leave the grid running at the end, and say how to stop it.")
    ] = False,
    outputs: Annotated[
        Path | None,
        typer.Option(help="Where everything is written. Default: a new folder below synergos-run.", file_okay=False),
    ] = None,
    disclosure: Annotated[
        Disclosure,
        typer.Option(
            envvar="SYNERGOS_DISCLOSURE",
            help="How much may leave the workers: strict withholds what few rows share; examples have levels of one row.",
        ),
    ] = Disclosure.OPEN,
    output: FormatOption = Format.TABLE,
) -> None:
    """Run the whole federated cycle on real data, and compare it with training alone and with pooled data.

    Starts a grid on this machine, registers, aligns, trains, validates and predicts; then trains every
    participant alone and once more on pooled data, measures all of them on the same test rows, and stops the grid.
    """
    console = standard_error()
    folder = (outputs or _new_folder(dataset, split)).resolve()
    chosen = _prepare(dataset, split, participants, folder)
    names = [holding.participant_id for holding in chosen.holdings]
    with ExitStack() as stack:
        running = Grid.planned(plan_of(grid, folder, chosen.root, names, disclosure=disclosure))
        _say(console, f"starting a {grid} grid for {len(names)} participants; everything goes to {folder}")
        stack.enter_context(running)
        running.wait_until_healthy()
        given = {"rounds": rounds, "algorithm": algorithm}
        overrides = {name: value for name, value in given.items() if value is not None}
        driver = stack.enter_context(Driver(running.ttp.host, running.ttp.port, raise_errors=True))
        nodes = nodes_of(grid, running, names)
        simulation = ClusterSimulation if grid is GridKind.CLUSTER else Simulation
        try:
            with display_on(console) as display:
                results = simulation(driver, chosen, nodes, overrides, display).run()
        except BaseException:
            _say(console, "stopping the grid …")
            raise
        settings = {"split": split if dataset in NAMES else None, "grid": grid, "participants": len(names), **overrides}
        written = write_report(folder, chosen, settings, results)
        if keep:
            running.release()
    _show(written, chosen, running if keep else None, output)


def _new_folder(dataset: str, split: Split) -> Path:
    stamp = datetime.now().astimezone().strftime("%Y%m%d-%H%M%S")
    name = f"{dataset}-{split}" if dataset in NAMES else Path(dataset).resolve().name
    return RUNS / f"{name}-{stamp}"


def _prepare(dataset: str, split: Split, participants: int | None, folder: Path) -> Dataset:
    if dataset in NAMES:
        folder.mkdir(parents=True, exist_ok=True)
        return write_example(folder / "data", dataset, participants or DEFAULT_PARTICIPANTS, split)
    if Path(dataset).is_dir():
        return open_dataset(Path(dataset), participants)
    raise UnknownName(dataset, NAMES, "--dataset", "an example or the path of a dataset folder")


def _say(console: Console, text: str) -> None:
    console.print(text, markup=False, highlight=False, soft_wrap=True)


def _show(written: Mapping[str, Any], dataset: Dataset, kept: Grid | None, output: Format) -> None:
    if output is Format.JSON:
        print_json({**written, "grid_state": _addresses(kept) if kept else None})
        return
    metrics = METRICS[dataset.action]
    rows = written["comparison"]
    columns = ["model", *metrics, *(["problem"] if any(row["problem"] for row in rows) else [])]
    print_table(f"{dataset.name}: every model on the same test rows", columns, rows)
    where = [{"what": what, "where": place} for what, place in written["places"].items()]
    print_table("Where everything is", ("what", "where"), where)
    if kept:
        running = [{"program": name, "address": address} for name, address in _addresses(kept).items()]
        print_table("Still running", ("program", "address"), running)
        print(f"Stop it with: synergos grid down --folder {kept.folder}")


def _addresses(grid: Grid) -> dict[str, str]:
    return {program.name: program.address for program in grid.state.programs}
