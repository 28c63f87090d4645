"""``synergos backup`` and ``synergos restore``: for the administrator of a TTP or a director, on the host of its folders."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from synergos.cli.output import Format, FormatOption, print_record, say
from synergos.errors import InvalidRequest
from synergos.extras import needing

if TYPE_CHECKING:
    from synergos.upkeep.contents import Contents

DataOption = Annotated[
    Path | None,
    typer.Option("--data", help="The program's --data: the folder of its record store. Default: as the TTP's."),
]
DatabaseOption = Annotated[str | None, typer.Option("--database", help="The program's --database, where it has one.")]
OutputsOption = Annotated[
    Path | None,
    typer.Option("--outputs", help="The program's --outputs: the folder of trained models. Default: as the TTP's."),
]
MlflowOption = Annotated[
    Path | None,
    typer.Option("--mlflow", help="The TTP's --mlflow: the folder of MLflow's local store. Default: as the TTP's."),
]


def backup(
    target: Annotated[Path, typer.Argument(metavar="FOLDER", help="The backup: a folder that is not there yet.")],
    data: DataOption = None,
    database: DatabaseOption = None,
    outputs: OutputsOption = None,
    mlflow: MlflowOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    """Back up records, models and tracked figures of a TTP or director, which goes on meanwhile.

    The records are of one moment and the files those they speak of; a job that runs is in it with its newest round. The folder
    appears as a whole or not at all, readable by its owner alone: there is in it what the records have, names of columns and
    levels among it.
    """
    with needing("ttp"):
        from synergos.upkeep.backup import back_up
        from synergos.upkeep.places import place_of
    try:
        found = back_up(place_of(data, database, outputs, mlflow), target, say)
    except OSError as error:
        raise InvalidRequest(f"no backup was made: {_reason(error)}") from error
    for missing in found.missing:
        say(f"not there, though the records speak of it: {missing}")
    _show(f"Backup {target}", found, output)


def restore(
    source: Annotated[Path, typer.Argument(metavar="FOLDER", help="A backup, as `synergos backup` made it.")],
    data: DataOption = None,
    database: DatabaseOption = None,
    outputs: OutputsOption = None,
    mlflow: MlflowOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    """Put a backup in place, on this host or another; every file is looked at first.

    There may be no record store yet, and nothing in the folders. The records then name files where they are now. Stop the program
    that the backup is of for good before you start one on it: both would go on with the same jobs.
    """
    with needing("ttp"):
        from synergos.upkeep.places import place_of
        from synergos.upkeep.restore import restore as put_in_place
    try:
        found = put_in_place(source, place_of(data, database, outputs, mlflow), say)
    except OSError as error:
        raise InvalidRequest(f"nothing was restored: {_reason(error)}") from error
    _show(f"Restored from {source}", found, output)


def _show(title: str, found: Contents, output: Format) -> None:
    told: Mapping[str, object] = {
        "synergos": found.synergos,
        "made_at": found.made_at.isoformat(timespec="seconds"),
        "files": len(found.files),
        "bytes": sum(file.bytes for file in found.files.values()),
        "unfinished_jobs": found.unfinished,
        "missing": list(found.missing),
    }
    print_record(title, told, output)


def _reason(error: OSError) -> str:
    where = f"{error.filename}: " if isinstance(error.filename, str) else ""
    return f"{where}{error.strerror or type(error).__name__}"
