"""``synergos peer``: whom the owner of a worker approves of; offline, on the worker's folder."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from synergos.cli.output import Format, FormatOption, counted, print_json, print_rows, print_table, say
from synergos.cli.trust_folder import OutputsOption, of_worker
from synergos.errors import InvalidRequest
from synergos.extras import needing

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from synergos.identity.decisions import Decision

app = typer.Typer(
    no_args_is_help=True,
    help="At a worker: which orchestrators its owner approves of, and who waits for that. What is decided here a worker that runs"
    " takes up within a second.",
)

Fingerprint = Annotated[
    str,
    typer.Argument(
        metavar="FINGERPRINT",
        help="64 hexadecimal digits, as the orchestrator's `synergos identity show` has them; of one that is listed, the first 20"
        " or more, or 8 to revoke it. Compare all of them with its owner, by telephone for instance: a name proves nothing.",
    ),
]
_COLUMNS = ("fingerprint", "standing", "name", "address", "since", "last")
_PROJECT_COLUMNS = ("collaboration", "project", "who", "director", "at")


@app.command("list")
def list_peers(outputs: OutputsOption = None, output: FormatOption = Format.TABLE) -> None:
    """List whom the owner has approved of or revoked, and who has come and waits; not those that ``--trust`` names."""
    with needing("worker"):
        from synergos.identity.contacts import FIRST_CONTACTS, contacts_in
        from synergos.identity.decisions import PEERS, Decisions, Standing
        from synergos.identity.successors import SUCCESSORS, Successors
    folder = of_worker(outputs)
    decided = Decisions.read(folder / PEERS).by_fingerprint
    rows: list[dict[str, object]] = [
        {"fingerprint": fingerprint, "standing": said.standing.value, "name": said.name, "since": said.at}
        for fingerprint, said in decided.items()
    ]
    rows += [
        {"fingerprint": fingerprint, "standing": "as before", "name": f"renewed, was {said.after}", "since": said.at}
        for fingerprint, said in Successors.read(folder / SUCCESSORS).by_fingerprint.items()
        if fingerprint not in decided
    ]
    rows += [
        {
            "fingerprint": contact.fingerprint,
            "standing": Standing.WAITING.value,
            "name": contact.name,
            "address": contact.address,
            "since": contact.first,
            "last": contact.last,
        }
        for contact in contacts_in(folder / FIRST_CONTACTS)
        if contact.fingerprint not in decided
    ]
    print_rows(counted(len(rows), "orchestrator"), _COLUMNS, rows, output)


@app.command()
def approve(fingerprint: Fingerprint, outputs: OutputsOption = None, output: FormatOption = Format.TABLE) -> None:
    """Let an orchestrator use this worker, and the TTPs that belong to it if it is a director."""
    with needing("worker"):
        from synergos.identity import decisions
        from synergos.identity.fingerprints import DIGITS_TO_APPROVE
    _decide("approve", decisions.approve, DIGITS_TO_APPROVE, of_worker(outputs), fingerprint, output)


@app.command()
def revoke(fingerprint: Fingerprint, outputs: OutputsOption = None, output: FormatOption = Format.TABLE) -> None:
    """Let an orchestrator use this worker no more: its open sessions end within a second.

    So do those of whom it came after and of who came after it, by renewing its identity.
    """
    with needing("worker"):
        from synergos.identity import decisions
        from synergos.identity.fingerprints import DIGITS_TO_REVOKE
    _decide("revoke", decisions.revoke, DIGITS_TO_REVOKE, of_worker(outputs), fingerprint, output)


@app.command()
def projects(outputs: OutputsOption = None, output: FormatOption = Format.TABLE) -> None:
    """List the projects that this worker takes part in, and whose their ids are: the orchestrator's that has asked first."""
    with needing("worker"):
        from synergos.identity.projects_taken_part import projects_in
    rows = [asdict(each) for each in projects_in(of_worker(outputs))]
    print_rows(counted(len(rows), "project"), _PROJECT_COLUMNS, rows, output)


@app.command()
def release(
    project: Annotated[
        str, typer.Argument(metavar="COLLABORATION/PROJECT", help="As `synergos peer projects` has it.")
    ],
    outputs: OutputsOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    """End this worker's part in a project, whoever's it is: its open sessions end, and its ids are anybody's who asks next.

    That may be the same orchestrator, as long as it is approved. One that deletes its project says so itself.
    """
    with needing("worker"):
        from synergos.identity import projects_taken_part
        from synergos.ledger.handed_over import handed_over
    collaboration, separator, name = project.partition("/")
    if not (collaboration and separator and name):
        raise InvalidRequest("expected COLLABORATION/PROJECT", "COLLABORATION/PROJECT")
    folder = of_worker(outputs)
    with handed_over(folder, "peer release", {"collaboration": collaboration, "project": name}, say):
        rows = [asdict(each) for each in projects_taken_part.release(folder, collaboration, name)]
    print_rows("ended", _PROJECT_COLUMNS, rows, output)


def _decide(
    verb: str, decide: Callable[[Path, str], Decision], digits: int, folder: Path, text: str, output: Format
) -> None:
    from synergos.identity.decisions import found_in
    from synergos.ledger.handed_over import handed_over

    fingerprint = found_in(folder, text, digits)
    with handed_over(folder, f"peer {verb}", {"who": fingerprint}, say):
        decided = decide(folder, fingerprint)
    row = {"fingerprint": fingerprint, "standing": decided.standing.value, "name": decided.name, "since": decided.at}
    if output is Format.JSON:
        print_json(row)
    else:
        print_table("", list(row), [row])
