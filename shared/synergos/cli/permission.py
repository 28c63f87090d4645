"""``synergos permission``: who may use which dataset folder of a worker for what; offline, on the worker's folders."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from synergos.cli.output import Format, FormatOption, print_rows
from synergos.cli.trust_folder import OutputsOption
from synergos.cli.worker_folders import WorkerFolders
from synergos.extras import needing

app = typer.Typer(
    no_args_is_help=True,
    help="At a worker: which orchestrators may use which dataset folder, for which project and purpose, and how often a day. It is kept"
    " in `syft.pub.yaml` beside the folder's `metadata.json`; a worker that runs takes up what is changed within a second.",
)

DataOption = Annotated[
    Path | None,
    typer.Option("--data", help="The worker's --data. Default: what the worker at --outputs was started with last."),
]
FolderName = Annotated[str, typer.Argument(metavar="FOLDER", help="Below --data, as a tag has it: heart/train.")]
WHO = (
    "The fingerprint of an orchestrator, or of a director for all TTPs of its cluster; of one that the worker knows the first 20 digits"
    " or more. * for every orchestrator that the worker serves."
)
Who = Annotated[str, typer.Argument(metavar="FINGERPRINT", help=WHO)]
Collaboration = Annotated[str, typer.Option("--collaboration", "-c", help="Which one; any unless said.")]
Project = Annotated[str, typer.Option("--project", "-p", help="Which one; any unless said.")]
Purpose = Annotated[str, typer.Option("--purpose", help="train, evaluate or predict; any unless said.")]

_RULES = ("folder", "collaboration", "project", "purpose", "who", "most a day", "used today", "file")
_FOLDERS = ("folder", "file", "rules", "holds")
_VERDICTS = ("purpose", "allowed", "left today", "reason", "would allow it")


@app.command()
def show(
    folder: Annotated[str | None, typer.Argument(metavar="[FOLDER]", help="As a tag has it; all unless said.")] = None,
    who: Annotated[str | None, typer.Argument(metavar="[FINGERPRINT]", help=f"Whether that one may. {WHO}")] = None,
    collaboration: Collaboration = "*",
    project: Project = "*",
    purpose: Purpose = "*",
    data: DataOption = None,
    outputs: OutputsOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    """Show what the owner allows of the folders; of one folder each rule, and why somebody may use it or may not.

    With a fingerprint, `--collaboration` and `--project`, each purpose is explained.
    """
    _needed()
    place = WorkerFolders(data, outputs)
    if folder is None:
        print_rows(f"permissions below {place.files.root}", _FOLDERS, list(place.overview()), output)
    elif who is None:
        print_rows(f"permissions of {folder}", _RULES, list(place.rules_of(folder)), output)
    else:
        rows = place.verdicts(folder, who, collaboration, project, purpose)
        print_rows(f"{folder} for {collaboration}/{project}, asked by {who}", _VERDICTS, list(rows), output)


@app.command()
def grant(
    folder: FolderName,
    who: Who,
    collaboration: Collaboration = "*",
    project: Project = "*",
    purpose: Purpose = "*",
    per_day: Annotated[
        int | None,
        typer.Option(
            "--per-day", "--per_day", min=1, max=999_999, help="Sessions a day (UTC), at most; any number unless said."
        ),
    ] = None,
    data: DataOption = None,
    outputs: OutputsOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    """Let an orchestrator use a folder, for what is said; the folder's rules as they are then."""
    _needed()
    from synergos.permission import editing
    from synergos.permission.use import Reader, Uses

    place = WorkerFolders(data, outputs)
    reader = Reader(place.fingerprint(who), per_day)
    uses, inside = Uses.checked(collaboration, project, purpose), place.folder(folder)
    with place.noting("grant", inside, uses, reader.who, per_day):
        editing.grant(place.files, inside, uses, reader)
    print_rows(f"permissions of {folder}", _RULES, list(place.rules_of(folder)), output)


@app.command()
def revoke(
    folder: FolderName,
    who: Who,
    collaboration: Collaboration = "*",
    project: Project = "*",
    purpose: Purpose = "*",
    data: DataOption = None,
    outputs: OutputsOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    """Let an orchestrator use a folder no more, nor any below: sessions that it has open for that end within a second.

    Files below that have allowed it are changed as well, and named.
    """
    _needed()
    from synergos.permission import editing
    from synergos.permission.use import Uses

    place = WorkerFolders(data, outputs)
    fingerprint = place.fingerprint(who)
    line, uses = place.line(fingerprint), Uses.checked(collaboration, project, purpose)
    listed = place.listed(folder, uses, line)
    with place.noting("revoke", listed, uses, fingerprint):
        changed = editing.revoke(place.files, listed, uses, line)
    for name in changed:
        typer.echo(f"revoked below as well: {name}", err=True)
    print_rows(f"permissions of {folder}", _RULES, list(place.rules_of(folder)), output)


def _needed() -> None:
    with needing("worker"):
        import synergos.permission.rules  # noqa: F401
