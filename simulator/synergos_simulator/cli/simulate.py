"""``synergos simulate``: the whole federated cycle on real data, on a grid of its own."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, redirect_stdout
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from synergos.cli.output import Format, FormatOption, print_json, print_table, standard_error
from synergos.driver.progress import display_on
from synergos.errors import InvalidRequest, UnknownName
from synergos_simulator.arrangements import FEDERATED
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
from synergos_simulator.closed_grid import Admission, closed, permit, refuse_many
from synergos_simulator.cluster import ClusterPlan
from synergos_simulator.cluster_simulation import ClusterSimulation
from synergos_simulator.command import stopping
from synergos_simulator.datasets import NAMES, Dataset, Split, open_dataset, write_example
from synergos_simulator.grid import Disclosure, Grid, Plan, Planned
from synergos_simulator.kinds import GridKind, nodes_of, plan_of
from synergos_simulator.log_display import logs_shown
from synergos_simulator.mlops import experiment_page, wait_until_registered
from synergos_simulator.proofs import Proof, Proving
from synergos_simulator.report import METRICS, write_report
from synergos_simulator.simulation import COLLABORATION, EXPERIMENT, Simulation

RUNS = Path("synergos-run")
DEFAULT_PARTICIPANTS = 2
simulate = typer.Typer(add_completion=False, rich_markup_mode="markdown")


@simulate.command("simulate", cls=TakesGraylog)
def run(
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
    tls: TlsOption = False,
    secure: Annotated[
        bool,
        typer.Option(
            "--secure",
            help="Let nobody in who is not known: TLS, accounts, identities, permissions, and workers that listen nowhere;"
            " then try what that keeps out, and say what came of it.",
        ),
    ] = False,
    mlops: MlopsOption = False,
    portal: PortalOption = False,
    graylog: GraylogOption = None,
    logging_transport: TransportOption = None,
    logging_ca: AuthorityOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    """Run the whole federated cycle on real data, and compare it with training alone and with pooled data.

    Starts a grid on this machine, registers, aligns, trains, validates and predicts; then trains every
    participant alone and once more on pooled data, measures all of them on the same test rows, and stops the grid.
    A Plus grid leaves its MLflow server running, so that its pages can be looked at, and shows what programs log unless a
    log server is named. With a portal the grid is left running, for its pages to be looked at.
    """
    console = standard_error()
    logging = log_flags(graylog, logging_transport, logging_ca)
    if secure:
        refuse_many(participants or 0)
    folder = (outputs or _new_folder(dataset, split)).resolve()
    chosen = _prepare(dataset, split, participants, folder)
    names = [holding.participant_id for holding in chosen.holdings]
    with ExitStack() as stack:
        consortium = consortium_in(folder, tls)
        plan = plan_of(grid, folder, chosen.root, names, disclosure=disclosure, logging=logging, consortium=consortium)
        admission = None
        if secure:
            plan, admission = _closed(plan, chosen, is_example=dataset in NAMES)

        def tracked(plain: Planned) -> Planned:
            return with_mlops(plain, console) if mlops or grid is GridKind.PLUS else plain

        running = Grid.planned(with_portal(plan, tracked) if portal else tracked(plan))
        _say(console, f"starting a {grid} grid for {len(names)} participants; everything goes to {folder}")
        stack.enter_context(running)
        display = stack.enter_context(display_on(console))
        if grid is GridKind.PLUS and graylog is None:
            stack.enter_context(logs_shown(running.planned_programs, display.note))
        running.wait_until_healthy()
        if running.portal is not None:
            _say(console, f"watch it on the portal's pages: {running.portal.address}")
        given = {"rounds": rounds, "algorithm": algorithm}
        overrides = {name: value for name, value in given.items() if value is not None}
        driver = stack.enter_context(running.ttp.driver(admission.lead if admission else None))
        tokens = admission.members if admission else {}
        members = {name: stack.enter_context(running.ttp.driver(token)) for name, token in tokens.items()}
        nodes = nodes_of(grid, running, names)
        simulation = ClusterSimulation if grid is GridKind.CLUSTER else Simulation
        try:
            results = simulation(driver, chosen, nodes, overrides, display, running.mlops, members).run()
            broker = plan.broker_folder if isinstance(plan, ClusterPlan) else None
            proofs = Proving(running, admission, chosen, driver, nodes, broker).all() if admission else []
        except BaseException:
            _say(console, "stopping the grid …")
            raise
        settings: dict[str, object] = {
            "split": split if dataset in NAMES else None,
            "grid": grid,
            "participants": len(names),
        }
        settings |= overrides
        if proofs:
            settings["proofs"] = [asdict(proof) for proof in proofs]
        if running.mlops:
            _say(console, "waiting for the model to be in MLflow's registry …")
            if not wait_until_registered(running.mlops, FEDERATED, EXPERIMENT):
                _say(console, "it is not there yet, and the TTP that writes it ends now: its log says why")
            settings["mlops_page"] = experiment_page(running.mlops, COLLABORATION, FEDERATED, EXPERIMENT)
        written = write_report(folder, chosen, settings, results)
        # Its pages show what the orchestrator has.
        keep = keep or portal
        if keep:
            running.release()
        elif running.mlops:
            running.finish()
    _show(written, chosen, running if keep or running.mlops else None, output, proofs)


def _closed(plan: Plan | ClusterPlan, dataset: Dataset, *, is_example: bool) -> tuple[Plan | ClusterPlan, Admission]:
    """The plan of a grid that lets nobody in whom it does not know."""
    if not is_example:
        raise InvalidRequest(
            "expected with an example: in folders of your own you say yourself who may use them (synergos permission grant)",
            "--secure",
        )
    # What the record store logs is no part of what this command answers.
    with redirect_stdout(sys.stderr):
        told, admission = closed(plan)
    permit(dataset.root, [dataset.root / dataset.name], admission.orchestrator, COLLABORATION)
    return told, admission


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


def _show(
    written: Mapping[str, Any], dataset: Dataset, kept: Grid | None, output: Format, proofs: Sequence[Proof]
) -> None:
    if output is Format.JSON:
        print_json({**written, "grid_state": _addresses(kept) if kept else None})
        return
    metrics = METRICS[dataset.action]
    rows = written["comparison"]
    columns = ["model", *metrics, *(["problem"] if any(row["problem"] for row in rows) else [])]
    print_table(f"{dataset.name}: every model on the same test rows", columns, rows)
    if proofs:
        tried = [{"what holds": each.what, "tried": each.attempt, "found": each.found} for each in proofs]
        print_table("What was proved", ("what holds", "tried", "found"), tried)
    where = [{"what": what, "where": place} for what, place in written["places"].items()]
    print_table("Where everything is", ("what", "where"), where)
    if kept:
        running = [{"program": name, "address": address} for name, address in _addresses(kept).items()]
        print_table("Still running", ("program", "address"), running)
        print(f"Stop it with: {stopping(kept.folder)}")
        if kept.portal is not None:
            print(f"The portal's pages: {kept.portal.address}")
    if "mlops_page" in written:
        print(f"The run, its curves and its files, on MLflow's pages: {written['mlops_page']}")


def _addresses(grid: Grid) -> dict[str, str]:
    return {program.name: program.address for program in grid.state.programs if program.is_running}
