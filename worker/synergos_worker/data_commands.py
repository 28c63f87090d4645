"""``synergos data``: drafts and checks of what describes a folder and of its owner's policy, where the data lie and without a grid."""

from __future__ import annotations

import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from synergos.domain.catalogue import PUBLISHED, Extent, PublishedFolder
from synergos.domain.feature_space import Action
from synergos.domain.tags import Purpose
from synergos.errors import InvalidRequest
from synergos_worker.cataloguing.catalogue import Catalogue
from synergos_worker.check_command import CheckCode, exit_code, show
from synergos_worker.data_check import check as check_data
from synergos_worker.data_root import DataRoot
from synergos_worker.disclosure.policy import MINIMUM_ROWS, Mode, Policy
from synergos_worker.policy.limits import LIMITS, USUAL, changed, said
from synergos_worker.policy.policy_file import read_policy
from synergos_worker.schema_draft import describe as describe_folder

_CODES = "Ends with 0 when nothing would be refused, 1 when something would, 2 when the command makes no sense."

app = typer.Typer(
    no_args_is_help=True,
    help=f"Describe and check dataset folders on this machine, and what may be asked of its worker. {_CODES}",
)


class Format(StrEnum):
    """How results are written."""

    TEXT = "text"
    JSON = "json"


FolderArgument = Annotated[Path, typer.Argument(exists=True, file_okay=False, help="A folder that a tag would name.")]
FormatOption = Annotated[Format, typer.Option("--format", help="Write results for people, or as JSON for programs.")]


@app.command()
def check(
    folder: FolderArgument,
    purpose: Annotated[
        Purpose, typer.Option(help="What its rows are for; those to predict may lack labels.")
    ] = Purpose.TRAIN,
    action: Annotated[
        Action | None, typer.Option(help="What the project does. Default: what the labels allow.")
    ] = None,
    disclosure: Annotated[
        Mode, typer.Option(envvar="SYNERGOS_DISCLOSURE", help="How much the worker may tell.")
    ] = Mode.STRICT,
    minimum_rows: Annotated[int, typer.Option(min=1, help="How many rows share what is told of them.")] = MINIMUM_ROWS,
    output: FormatOption = Format.TEXT,
) -> None:
    """Say everything an alignment would refuse of a folder."""
    place = folder.resolve()
    root, tags = DataRoot(place.parent), {purpose: ((place.name,),)}
    report = check_data(root, Policy(disclosure, minimum_rows), tags, action)
    show(report, as_json=output is Format.JSON)
    raise typer.Exit(exit_code(report))


@app.command()
def catalogue(
    data: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="The data folder of a worker.")],
    extent: Annotated[
        Extent, typer.Option("--catalogue", envvar="SYNERGOS_CATALOGUE", help="How much the worker publishes.")
    ] = Extent.SCHEMA,
    disclosure: Annotated[
        Mode, typer.Option(envvar="SYNERGOS_DISCLOSURE", help="How much the worker may tell.")
    ] = Mode.STRICT,
    minimum_rows: Annotated[int, typer.Option(min=1, help="How many rows share what is told of them.")] = MINIMUM_ROWS,
    output: FormatOption = Format.TEXT,
) -> None:
    """Show what a worker would publish of its folders to somebody who may use all of them; whom it tells of which, permissions say."""
    found = Catalogue(DataRoot(data), Policy(disclosure, minimum_rows), extent).published(lambda _: tuple(Purpose))
    told = PUBLISHED.write(found)
    if output is Format.JSON:
        sys.stdout.write(json.dumps(told, indent=2, ensure_ascii=False) + "\n")
        return
    for folder in found.folders:
        sys.stdout.write(f"{'/'.join(folder.path)}: {_in_words(folder)}\n")


def _in_words(folder: PublishedFolder) -> str:
    if not folder.is_readable:
        return "cannot be read as it is; synergos data check says why"
    rows = [] if folder.rows is None else [str(folder.rows)]
    columns = [f"{column.name} ({column.type})" for column in folder.columns]
    classes = [f"classes {', '.join(folder.classes)}"] if folder.classes else []
    return "; ".join([folder.datatype, *rows, *([", ".join(columns)] if columns else []), *classes])


@app.command()
def policy(
    file: Annotated[
        Path | None, typer.Argument(help="A policy.toml. Default: the limits of a worker without one.")
    ] = None,
    output: FormatOption = Format.TEXT,
) -> None:
    """Check a file of what an orchestrator may ask, and say every limit that a worker with it has."""
    try:
        limits = USUAL if file is None else read_policy(file)
    except InvalidRequest as error:
        sys.stderr.write(f"synergos: {error}\n")
        raise typer.Exit(CheckCode.PROBLEMS) from None
    if output is Format.JSON:
        sys.stdout.write(json.dumps(said(limits), indent=2) + "\n")
        return
    differing, described = changed(limits), LIMITS.json_schema["properties"]
    for name, value in said(limits).items():
        mark = " (set)" if name in differing else ""
        sys.stdout.write(f"{name} = {json.dumps(value)}{mark}: {described[name]['description']}\n")


@app.command()
def describe(
    folder: FolderArgument,
    label: Annotated[str | None, typer.Option(help="The label's column. Default: target, where there is one.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a schema.json that is there.")] = False,
    output: FormatOption = Format.TEXT,
) -> None:
    """Write schema.json, and metadata.json where it is missing, from the files of a folder; read and mend it before use."""
    try:
        draft = describe_folder(folder.resolve(), label, force=force)
    except InvalidRequest as error:
        sys.stderr.write(f"synergos: {error}\n")
        raise typer.Exit(CheckCode.PROBLEMS) from None
    if output is Format.JSON:
        sys.stdout.write(json.dumps(draft.to_dict(), indent=2, ensure_ascii=False) + "\n")
        return
    for name, kind in draft.columns.items():
        sys.stdout.write(f"{name}: {kind}\n")
    for path in draft.written:
        sys.stdout.write(f"wrote {path}\n")
    for note in draft.notes:
        sys.stdout.write(f"note: {note}\n")
