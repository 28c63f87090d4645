"""``synergos audit``: what was asked of the programs on this machine and what they did, by the ledgers they keep; offline."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from synergos.cli.exits import ExitCode
from synergos.cli.output import Format, FormatOption, cell, counted, moment, print_json, print_table, say
from synergos.cli.trust_folder import FOLDER, FolderArgument, own_folders
from synergos.errors import InvalidRequest
from synergos.extras import needing
from synergos.foreign_text import in_spreadsheet
from synergos.time_spans import read_span

if TYPE_CHECKING:
    from synergos.ledger.place import LedgerPlace
    from synergos.ledger.verification import Finding

app = typer.Typer(
    no_args_is_help=True,
    help="What was asked of the programs on this machine and what they did: every worker, TTP and director keeps a ledger.",
)


class AuditFormat(StrEnum):
    """How rows are written."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


TimeOption = str | None
_TIME = "a date or time as 2026-11-26 or 2026-11-26T14:00, or so long ago: 12h, 7d, 4w"
_KINDS = 5
"""Of figures, that a cell of a table names."""
_IN_TABLE = ("at", "what", "who", "of", "folders", "rows", "left", "reason")


@app.command()
def show(
    folder: FolderArgument = None,
    used: Annotated[
        str | None,
        typer.Option(
            "--folder", metavar="PATH", help="A folder of data, below --data of the worker: what it was used for."
        ),
    ] = None,
    since: Annotated[TimeOption, typer.Option(metavar="TIME", help=f"Not before: {_TIME}.")] = None,
    until: Annotated[TimeOption, typer.Option(metavar="TIME", help="Not after, likewise.")] = None,
    who: Annotated[
        str | None, typer.Option(help="Who asked: a fingerprint or its beginning, a name, or an address.")
    ] = None,
    collaboration: Annotated[str | None, typer.Option(help="Of this collaboration alone.")] = None,
    project: Annotated[str | None, typer.Option(help="Of this project alone.")] = None,
    what: Annotated[
        str | None, typer.Option(help="What happened, as the column has it: session, preparation, refused, …")
    ] = None,
    output: Annotated[
        AuditFormat,
        typer.Option("--format", help="A table for people, JSON, or CSV for spreadsheets; both have all columns."),
    ] = AuditFormat.TABLE,
) -> None:
    """Show who has used what, when and for what, the oldest first; a session is one row, from its opening to its end."""
    with needing("worker"):
        from synergos.ledger.reading import COLUMNS, Wanted
    wanted = Wanted(
        folder=used,
        since=_time(since, "--since"),
        until=_time(until, "--until"),
        who=who,
        collaboration=collaboration,
        project=project,
        what=what,
    )
    rows = sorted((row for place in _places(folder) for row in _rows(place) if wanted.takes(row)), key=_when)
    match output:
        case AuditFormat.JSON:
            print_json(rows)
        case AuditFormat.CSV:
            _print_csv(("program", *COLUMNS), rows)
        case AuditFormat.TABLE:
            print_table(counted(len(rows), "use"), _IN_TABLE, [_in_table(row) for row in rows])


@app.command()
def verify(
    folder: FolderArgument = None,
    head: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NUMBER:DIGEST",
            help="How far the ledger went once, as this command or an orchestrator's ledger has said then: what was cut off or"
            " written anew since is noticed. Repeatable.",
        ),
    ] = None,
    fingerprint: Annotated[
        str | None,
        typer.Option(
            help="The identity that signs it, as somebody else knows it. Default: that of the program, as its folder has it."
        ),
    ] = None,
    output: FormatOption = Format.TABLE,
) -> None:
    """Look whether a ledger is as it was written: which lines were edited, cut out, moved or cut off, if any.

    Exit code 1 says that it is not.
    """
    with needing("worker"):
        from synergos.ledger.line import Head
        from synergos.ledger.verification import verify as verified
    places = list(_places(folder))
    heads = [Head.read(text) for text in head or ()]
    if heads and len(places) > 1:
        raise InvalidRequest("a head is of one ledger: name the folder of one program", "--head")
    told: list[dict[str, object]] = []
    for place in places:
        found = verified(place, heads, [fingerprint] if fingerprint else _own_line(place))
        told.append(
            {
                "program": place.name,
                "is_sound": found.is_sound,
                "lines": found.lines,
                "head": str(found.head),
                "signed_by": [signer for signer, _ in found.signers],
                "findings": [_said(each) for each in found.findings],
            }
        )
    if output is Format.JSON:
        print_json(told)
    else:
        _print_verified(told)
    if not all(each["is_sound"] for each in told):
        raise typer.Exit(ExitCode.FAILED)


def _print_verified(told: Sequence[Mapping[str, object]]) -> None:
    columns = ("program", "is_sound", "lines", "signed_by", "head")
    print_table("", columns, [{**each, "signed_by": (each["signed_by"] or [None])[-1]} for each in told])  # type: ignore[index]
    findings = [{"program": each["program"], **finding} for each in told for finding in each["findings"]]  # type: ignore[attr-defined]
    if findings:
        print_table("", ("program", "file", "line", "number", "is_wrong", "problem"), findings)


def _said(finding: Finding) -> dict[str, object]:
    return {
        "file": None if finding.file is None else str(finding.file),
        "line": finding.line,
        "number": finding.number,
        "is_wrong": finding.is_wrong,
        "problem": finding.problem,
    }


def _places(folder: Path | None) -> Iterator[LedgerPlace]:
    """The ledgers that are meant.

    Raises:
        InvalidRequest: there are none.
    """
    from synergos.ledger.place import places_in

    found = [place for own in own_folders(folder) for place in places_in(own)]
    if not found:
        where = folder or "the folders of programs that are told nothing"
        raise InvalidRequest(
            f"no program keeps a ledger in {where}; expected its --data, a worker's --outputs", "FOLDER"
        )
    yield from found


def _rows(place: LedgerPlace) -> Iterator[dict[str, object]]:
    from synergos.ledger.reading import lines_in, rows_of

    lines = list(lines_in(place))
    if (lost := lines.count(None)) > 0:
        say(f"{lost} lines of {place.folder} cannot be read; synergos audit verify says which")
    for row in rows_of([line for line in lines if line is not None]):
        yield {"program": place.name, **row}


def _when(row: Mapping[str, object]) -> str:
    return str(row["at"])


def _own_line(place: LedgerPlace) -> list[str]:
    """The program's fingerprint, and those of whom it came after, which may have written all there is; none where it is not known."""
    from synergos.identity.identity import read_identity
    from synergos.ledger.verification import came_after

    path = place.own / FOLDER / f"{place.program}.json"
    if not path.is_file():
        return []
    found = read_identity(path)
    return [found.fingerprint, *came_after(found.succession, found.fingerprint)]


def _in_table(row: Mapping[str, object]) -> dict[str, object]:
    who, address = row.get("who"), row.get("address")
    ids = [str(row[name]) for name in ("collaboration", "project", "experiment", "run") if name in row]
    short = {
        "at": moment(row["at"]),
        # Its first digits tell identities of one worker apart; JSON and CSV have all.
        "who": f"{str(who)[:8]}…" if who else f"anybody at {address}" if address else None,
        "of": "/".join(ids) or None,
    }
    listed = {name: ", ".join(map(str, value)) for name, value in row.items() if isinstance(value, list)}
    counted = {
        name: _first(f"{kind} {count}" for kind, count in value.items())
        for name in ("rows", "left")
        if isinstance(value := row.get(name), Mapping)
    }
    return {**row, **listed, **counted, **short}


def _first(texts: Iterable[str]) -> str:
    listed = list(texts)
    more = f", and {len(listed) - _KINDS} more kinds" if len(listed) > _KINDS else ""
    return f"{', '.join(listed[:_KINDS])}{more}"


def _print_csv(columns: Sequence[str], rows: Sequence[Mapping[str, object]]) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow(["" if row.get(column) is None else in_spreadsheet(cell(row[column])) for column in columns])


def _time(text: str | None, option: str) -> datetime | None:
    if text is None:
        return None
    if (ago := read_span(text, "hdw")) is not None:
        return datetime.now(UTC) - ago
    try:
        return datetime.fromisoformat(text).astimezone()
    except ValueError:
        raise InvalidRequest(f"expected {_TIME}, got {text[:40]!r}", option) from None
