"""``synergos approval``: which computations the owner of a worker's data approves of; offline, on the worker's folder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from synergos.cli.output import Format, FormatOption, counted, print_json, print_rows, print_table, say
from synergos.cli.trust_folder import OutputsOption, of_worker
from synergos.errors import InvalidRequest
from synergos.extras import needing
from synergos.foreign_text import on_terminal

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

app = typer.Typer(
    no_args_is_help=True,
    help="At a worker with `--approve_models on`: which layers, runs, feature spaces and purposes its owner approves of, and what waits for"
    " that. What is decided here a worker that runs takes up within a second.",
)

Digest = Annotated[
    str,
    typer.Argument(
        metavar="DIGEST",
        help="64 hexadecimal digits that stand for what is computed; of what is listed the first 20 or more, or 8 to revoke it.",
    ),
]
_COLUMNS = ("digest", "standing", "what", "asked by", "since", "last")
_WAITING = "waiting"


@app.command("list")
def list_all(outputs: OutputsOption = None, output: FormatOption = Format.TABLE) -> None:
    """List what the owner has approved or revoked, and what waits."""
    rows = _rows(_folder(outputs))
    print_rows(counted(len(rows), "computation"), _COLUMNS, rows, output)


@app.command()
def show(digest: Digest, outputs: OutputsOption = None, output: FormatOption = Format.TABLE) -> None:
    """Show in words what would be computed: layers, run or search space, columns and labels, and on whose rows."""
    folder = _folder(outputs)
    from synergos.approval.decided import digest_in
    from synergos.identity.fingerprints import DIGITS_TO_REVOKE

    whole = digest_in(folder, digest, DIGITS_TO_REVOKE)
    row = next((row for row in _rows(folder) if row["digest"] == whole), None)
    words = _words(folder, whole)
    if row is None or not words:
        raise InvalidRequest(
            "nothing is known of it: what was approved before it came is shown when it has come", "DIGEST"
        )
    if output is Format.JSON:
        print_json({**row, "words": words})
        return
    for line in (f"{whole} ({row['standing']})", *words):
        print(on_terminal(line))


@app.command()
def approve(digest: Digest, outputs: OutputsOption = None, output: FormatOption = Format.TABLE) -> None:
    """Let that be computed, and nothing else by its name: with another layer, hyperparameter or column it has another digest."""
    folder = _folder(outputs)
    from synergos.approval import decided
    from synergos.identity.fingerprints import DIGITS_TO_APPROVE

    _decide("approve", decided.approve, folder, decided.digest_in(folder, digest, DIGITS_TO_APPROVE), output)


@app.command()
def revoke(digest: Digest, outputs: OutputsOption = None, output: FormatOption = Format.TABLE) -> None:
    """Let that be computed no more: open sessions of it end within a second."""
    folder = _folder(outputs)
    from synergos.approval import decided
    from synergos.identity.fingerprints import DIGITS_TO_REVOKE

    _decide("revoke", decided.revoke, folder, decided.digest_in(folder, digest, DIGITS_TO_REVOKE), output)


def _folder(outputs: Path | None) -> Path:
    with needing("worker"):
        import synergos.approval.decided  # noqa: F401
    return of_worker(outputs)


def _decide(verb: str, decide: Callable[[Path, str], str], folder: Path, digest: str, output: Format) -> None:
    from synergos.ledger.handed_over import handed_over

    with handed_over(folder, f"approval {verb}", {"digest": digest}, say):
        decide(folder, digest)
    [row] = [row for row in _rows(folder) if row["digest"] == digest]
    if output is Format.JSON:
        print_json(row)
    else:
        print_table("", _COLUMNS, [row])


def _rows(folder: Path) -> list[dict[str, object]]:
    from synergos.approval.decided import DECIDED, Decided
    from synergos.approval.waiting import WAITING, waiting_in

    decided = Decided.read(folder / DECIDED).by_digest
    rows: list[dict[str, object]] = [
        {"digest": digest, "standing": said.verdict.value, "what": said.title, "since": said.at}
        for digest, said in decided.items()
    ]
    return rows + [
        {
            "digest": each.digest,
            "standing": _WAITING,
            "what": each.title,
            "asked by": each.peer,
            "since": each.first,
            "last": each.last,
        }
        for each in waiting_in(folder / WAITING)
        if each.digest not in decided
    ]


def _words(folder: Path, digest: str) -> list[str]:
    from synergos.approval.decided import DECIDED, Decided
    from synergos.approval.waiting import WAITING, waiting_in

    waits = next((each.words for each in waiting_in(folder / WAITING) if each.digest == digest), None)
    if waits is not None:
        return list(waits)
    decided = Decided.read(folder / DECIDED).by_digest.get(digest)
    return [] if decided is None else list(decided.words)
