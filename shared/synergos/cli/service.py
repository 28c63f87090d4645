"""``synergos service``: has a program run as a service of systemd's on a host without containers."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from synergos.cli.output import Format, FormatOption, print_json, say
from synergos.errors import InvalidRequest
from synergos.services import Program, files_of, write

_UNSEEN = ("/home", "/root", "/tmp", "/var/tmp")  # noqa: S108 - places, no files of ours
"""What a unit that is confined does not see of its host."""


def service(
    program: Annotated[Program, typer.Argument(help="What runs as a service.")],
    root: Annotated[
        Path | None,
        typer.Option(help="Write the files below this folder: / for this host. Without it the unit is only shown."),
    ] = None,
    output: FormatOption = Format.TABLE,
) -> None:
    """Write systemd units for a program of this environment, with its settings, its user and its log's limits.

    A file of settings (/etc/synergos/PROGRAM.env) that is there stays as it is; units are written over, so change them by drop-ins
    (systemctl edit). What to do next is said.
    """
    programs = Path(sys.executable).absolute().parent
    found = files_of(program, programs)
    if root is None:
        if output is Format.JSON:
            print_json({"unit": found[0].text})
        else:
            print(found[0].text, end="")
        return
    try:
        written = write(found, root)
    except OSError as error:
        raise InvalidRequest(f"cannot be written: {error.filename or root}: {error.strerror}", "--root") from error
    if output is Format.JSON:
        print_json([{"path": str(file.path), "was_kept": file.was_kept} for file in written])
    else:
        for file in written:
            print(f"{file.path}{'  (kept as it was)' if file.was_kept else ''}")
    if str(programs).startswith(tuple(f"{place}/" for place in _UNSEEN)):
        say(
            f"services do not see {programs}: install synergos in an environment elsewhere, such as /opt/synergos, and write the units with that"
        )
    say(
        f"next: systemd-sysusers && systemd-tmpfiles --create && systemctl daemon-reload; edit {root / 'etc/synergos' / program}.env; "
        f"systemctl enable --now synergos-{program}; journalctl --namespace=synergos -u synergos-{program}"
    )
