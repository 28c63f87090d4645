"""``synergos identity``: who the programs on this machine are to others."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from synergos.cli.output import Format, FormatOption, print_rows, say
from synergos.cli.trust_folder import FolderArgument, identity_files
from synergos.errors import InvalidRequest
from synergos.extras import needing
from synergos.time_spans import read_span

if TYPE_CHECKING:
    from synergos.identity.identity import Identity

app = typer.Typer(
    no_args_is_help=True,
    help="Who the programs on this machine are to others: each has an identity, made at its first start and known by a fingerprint.",
)

FileOption = Annotated[
    Path | None, typer.Option("--identity", metavar="FILE", help="The program's --identity, where it has one.")
]
_COLUMNS = ("fingerprint", "made", "before", "before_until", "file")


@app.command()
def show(folder: FolderArgument = None, identity: FileOption = None, output: FormatOption = Format.TABLE) -> None:
    """Show the fingerprints of the programs that have their folders here; of each the one before it, while that is known too."""
    with needing("worker"):
        from synergos.identity.identity import read_identity
    rows = [_row(path, read_identity(path)) for path in identity_files(folder, identity)]
    print_rows("", _COLUMNS, rows, output)


@app.command()
def renew(
    folder: FolderArgument = None,
    identity: FileOption = None,
    grace: Annotated[
        str,
        typer.Option(
            help="For how long the one before is known too: so many hours, days or weeks (12h, 30d, 4w), 30 days at most."
        ),
    ] = "30d",
    output: FormatOption = Format.TABLE,
) -> None:
    """Put a new identity in the place of a program's own; the program goes on and takes it up at once.

    The one before signs that this one comes after it: who has approved of the one before, or knows a worker by it, takes the new one
    until the grace is over, and keeps it. What was not talked to meanwhile has to approve of the new one.
    """
    with needing("worker"):
        from synergos.identity.identity import renew_identity
        from synergos.identity.statements import GRACE
    if _time(grace) > GRACE:
        raise InvalidRequest(f"expected {GRACE.days} days at most, got {grace}", "--grace")
    files = identity_files(folder, identity)
    if len(files) > 1:
        raise InvalidRequest(f"expected one of {', '.join(map(str, files))}", "--identity")
    before, after = renew_identity(files[0], _time(grace))
    say(f"{before.fingerprint} is known besides for {grace}")
    print_rows("", _COLUMNS, [_row(files[0], after)], output)


def _row(path: Path, found: Identity) -> dict[str, object]:
    before = found.predecessor
    until = None if before is None or before.until is None else before.until.isoformat(timespec="seconds")
    return {
        "fingerprint": found.fingerprint,
        "made": found.made.isoformat(timespec="seconds"),
        "before": None if before is None else before.issuer,
        "before_until": until,
        "file": str(path),
    }


def _time(text: str) -> timedelta:
    found = read_span(text, "hdw")
    if found is None:
        raise InvalidRequest("expected a number of hours, days or weeks, as 12h, 30d, 4w", "--grace")
    return found
