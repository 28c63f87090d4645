"""``synergos tidy``: removes what is not to be kept, at a TTP or at a worker, on the host of its folders."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from synergos.cli.backup import DatabaseOption, DataOption
from synergos.cli.output import Format, FormatOption, counted, print_rows
from synergos.errors import InvalidRequest
from synergos.extras import needing
from synergos.upkeep.removals import Removal
from synergos.upkeep.retention import Retention
from synergos.upkeep.tidying import to_remove

_COLUMNS = ("what", "bytes", "why", "path")


def tidy(
    outputs: Annotated[Path, typer.Option("--outputs", help="The program's --outputs.")],
    keep: Annotated[
        list[str] | None,
        typer.Option(
            help="How much stays: models=N trainings of each run before the newest, rounds=TIME of jobs that have ended (both at a"
            " TTP), predictions=TIME (at a worker); a TIME as 12h, 90d, 4w. Repeatable; what is not named is left alone."
        ),
    ] = None,
    data: DataOption = None,
    database: DatabaseOption = None,
    without_record: Annotated[
        bool, typer.Option("--without-record", help="Also models of runs that are in no record any more.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only list what would go.")] = False,
    output: FormatOption = Format.TABLE,
) -> None:
    """Remove results that are not to be kept, and what programs that were killed have left half done.

    The program may go on meanwhile: what it is about to write, or needs to go on with a job, stays. Results that records show stay,
    but for the versions of models that are too many, which leave the records too.
    """
    if not outputs.is_dir():
        raise InvalidRequest(f"{outputs} is not a folder", "--outputs")
    wanted = Retention.read(keep or ())
    rows: list[dict[str, object]] = []
    with needing("ttp"), to_remove(outputs.absolute(), wanted, data, database, without_record=without_record) as found:
        for each in found:
            row = {"what": each.what, "bytes": each.bytes, "why": each.why, "path": str(each.path)}
            if dry_run or _carried_out(each, outputs.absolute()):
                rows.append(row)
    title = f"{counted(len(rows), 'folder')} {'would go' if dry_run else 'gone'}"
    print_rows(title, _COLUMNS, rows, output)


def _carried_out(removal: Removal, outputs: Path) -> bool:
    try:
        return removal.carry_out(outputs)
    except OSError as error:
        raise InvalidRequest(f"{removal.path} cannot be removed: {error.strerror}", "--outputs") from error
