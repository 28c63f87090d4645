"""``synergos predict``: participants' rows at their workers, or, with ``--model``, files of rows with a model that was downloaded."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from synergos import Driver
from synergos.cli.completion import completing_ids
from synergos.cli.connection import AddressOption, CaOption, ProfileOption, driver_for
from synergos.cli.ids import Ids
from synergos.cli.model_folder import CpusOption, ModelOption, NameOption, refuse_given, unwritable
from synergos.cli.output import Format, FormatOption, say
from synergos.cli.project_file import FileOption, project_file
from synergos.cli.stages import TimeoutOption, WaitOption, carry_out
from synergos.errors import InvalidRequest, RecordNotFound
from synergos.model import load_model

if TYPE_CHECKING:
    from synergos.federation import Federation

_IDS = Ids(("collab_id", "project_id", "expt_id", "run_id"), 2)


@dataclass(frozen=True)
class _Datasets:
    """Whose rows are predicted.

    Attributes:
        participants: their ids; none for all who have declared something to predict.
        tags: folders; none for what they have declared.
    """

    participants: Sequence[str]
    tags: Sequence[Sequence[str]]


def predict(
    ids: Annotated[
        list[str] | None,
        typer.Argument(
            metavar=_IDS.expected,
            help="Whose models: one after the other, or as one word with / between them. Default: the runs that the project"
            " file names. With --model: a file of rows, several, or a folder; of an image model image files.",
            autocompletion=completing_ids(_IDS.names),
        ),
    ] = None,
    participant: Annotated[
        list[str] | None,
        typer.Option(help="Whose rows; repeatable. Default: of all who have declared datasets to predict."),
    ] = None,
    tag: Annotated[
        list[str] | None,
        typer.Option(help="A folder of rows at the worker, as a/b; repeatable. Default: what was declared to predict."),
    ] = None,
    priority: Annotated[
        int | None,
        typer.Option(min=-100, max=100, help="Of the jobs; in a cluster, those of a higher one start first."),
    ] = None,
    file: FileOption = None,
    wait: WaitOption = True,
    timeout: TimeoutOption = None,
    model: ModelOption = None,
    name: NameOption = None,
    output: Annotated[
        Path | None,
        typer.Option(help="With --model: where predictions are written. Default: standard output."),
    ] = None,
    keep: Annotated[
        list[str] | None,
        typer.Option(help="With --model: a column that is no input and comes back with the predictions; repeatable."),
    ] = None,
    ignore: Annotated[
        list[str] | None, typer.Option(help="With --model: a column that is no input; repeatable.")
    ] = None,
    cpus: CpusOption = None,
    written: FormatOption = Format.TABLE,
    address: AddressOption = None,
    profile: ProfileOption = None,
    tls_ca: CaOption = None,
) -> None:
    """Predict participants' rows with trained models: at their workers, where the predictions stay.

    With --model FOLDER, files of rows are predicted here, without a grid, by a model that was downloaded: as the worker that
    holds them would, to standard output as csv or JSON.
    """
    here = {"--name": name, "--output": output, "--keep": keep, "--ignore": ignore, "--cpus": cpus}
    grid = {
        "--participant": participant,
        "--tag": tag,
        "--file": file,
        "--priority": priority,
        "--timeout": timeout,
        "--address": address,
        "--profile": profile,
        "--tls-ca": tls_ca,
    }
    if model is None:
        refuse_given(here, "goes with --model")
        with driver_for(address, profile, tls_ca) as driver:
            datasets = _Datasets(participant or (), [each.strip("/").split("/") for each in tag or ()])
            first = {} if priority is None else {"priority": priority}
            requests = [{**request, **first} for request in _requests(driver, ids, file, datasets)]
            carry_out(driver, driver.predictions.create, requests, written, wait, timeout)
    else:
        refuse_given(grid, "goes without --model")
        rows = [Path(each) for each in ids or ()]
        _predict_here(model, name, rows, _Columns(keep or (), ignore or ()), output, written, cpus)


@dataclass(frozen=True)
class _Columns:
    """Columns that are no inputs, and come back or not."""

    keep: Sequence[str]
    ignore: Sequence[str]


def _predict_here(
    model: Path,
    name: str | None,
    rows: Sequence[Path],
    columns: _Columns,
    output: Path | None,
    written: Format,
    cpus: int | None,
) -> None:
    if not rows:
        raise InvalidRequest("expected a file of rows, several, or a folder", "rows")
    found = load_model(model, name or "global_model", cpus=cpus)
    read = found.read(rows, keep=columns.keep, ignore=columns.ignore)
    if read.absent:
        say(f"synergos: not there, and filled as missing cells are: {', '.join(read.absent)}")
    # Late, as what a model takes: the driver's installation has no need of it.
    from synergos.tables.predictions import as_spreadsheet

    predictions = found.predictions(read)
    try:
        if written is Format.JSON:
            text = predictions.to_json(orient="records", double_precision=15, indent=2)
            print(text) if output is None else output.write_text(f"{text}\n", encoding="utf-8")
        else:
            as_spreadsheet(predictions).to_csv(sys.stdout if output is None else output, index=False)
    except OSError as error:
        raise unwritable(error) from error


def _requests(
    driver: Driver, given: Sequence[str] | None, file: Path | None, datasets: _Datasets
) -> Iterator[dict[str, Any]]:
    """What is asked, each time."""
    if given and file is not None:
        raise InvalidRequest("say either this or ids", "--file")
    if given:
        ids = _IDS.read(given)
        who = datasets.participants or _who_declared(driver, ids)
        tags = {ids["project_id"]: datasets.tags} if datasets.tags else {}
        yield from ({"participant_id": each, "tags": tags, **ids} for each in who)
    else:
        yield from _in_file(project_file(file, _IDS.expected), datasets)


def _in_file(federation: Federation, datasets: _Datasets) -> Iterator[dict[str, Any]]:
    """Each run of a project file, for each participant with datasets to predict."""
    declared = federation.to_predict
    who = datasets.participants or list(declared)
    if not who:
        raise InvalidRequest(
            "no participant has datasets to predict in it; see --participant and --tag", str(federation.path)
        )
    for run in federation.runs:
        for each in who:
            tags = datasets.tags or declared.get(each)
            yield {"participant_id": each, "tags": {run["project_id"]: tags} if tags else {}, **run}


def _who_declared(driver: Driver, ids: Mapping[str, str]) -> list[str]:
    """The participants of a project with datasets to predict.

    Raises:
        RecordNotFound: there is none.
    """
    found = driver.registrations.read_all(ids["collab_id"], ids["project_id"])["data"]
    declared = [
        str(each["key"]["participant_id"])
        for each in found
        if any(tags.get("predict") for tags in each.get("relations", {}).get("Tag", ()))
    ]
    if not declared:
        raise RecordNotFound(
            f"no participant of project {ids['project_id']!r} has declared datasets to predict", "--participant"
        )
    return declared
