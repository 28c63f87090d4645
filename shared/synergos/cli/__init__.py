"""The ``synergos`` command: noun, then verb. What is here talks to an orchestrator; other packages add commands of theirs."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib.metadata import version
from types import FrameType
from typing import Annotated, NoReturn

import typer

from synergos.cli import (
    account,
    approval,
    audit,
    backup,
    doctor,
    export,
    federation,
    identity,
    login,
    peer,
    permission,
    pki,
    profile,
    service,
    tidy,
)
from synergos.cli.connection import connected
from synergos.cli.driver_command import command_of
from synergos.cli.exits import MEANINGS, ExitCode, exit_code_of, words_of
from synergos.cli.root import RootGroup
from synergos.cli.tune_group import TuneGroup
from synergos.cli.use_cases import NOUNS, USE_CASES
from synergos.errors import SynergosError
from synergos.foreign_text import on_terminal

CYCLE = "From a project file to a model"
RECORDS = "What an orchestrator has"
OPERATIONS = "Connections and operations"
_EXIT_CODES = "\n\n".join(f"{code:>3}  {meaning}" for code, meaning in MEANINGS.items())

app = typer.Typer(
    name="synergos",
    cls=RootGroup,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help="Federated learning from the command line.",
    epilog=f"Exit codes:\n\n{_EXIT_CODES}",
)


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"synergos {version('synergos')}")
        raise typer.Exit


@app.callback()
def _options(
    _: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", is_eager=True, callback=_show_version)
    ] = False,
) -> None:
    """What can be said before a command."""


app.command("init", rich_help_panel=CYCLE)(federation.init)
for command in (federation.diff, federation.apply, federation.destroy):
    app.command(command.__name__, rich_help_panel=CYCLE)(connected(command))
groups = {
    noun: typer.Typer(cls=TuneGroup if noun == "tune" else None, no_args_is_help=noun != "tune", help=about)
    for noun, about in NOUNS.items()
}
"""What other modules add their commands to, by noun."""
for noun, group in groups.items():
    app.add_typer(group, name=noun, rich_help_panel=CYCLE if noun == "tune" else RECORDS)
for use_case in USE_CASES:
    *above, verb = use_case.command.split()
    made = command_of(use_case)
    if above:
        groups[above[0]].command(verb)(made)
    else:
        app.command(verb, rich_help_panel=CYCLE)(made)
app.command("export", rich_help_panel=CYCLE)(export.export)
app.add_typer(profile.app, name="profile", rich_help_panel=OPERATIONS)
app.command("login", rich_help_panel=OPERATIONS)(login.login)
app.command("logout", rich_help_panel=OPERATIONS)(login.logout)
app.add_typer(account.app, name="account", rich_help_panel=OPERATIONS)
app.command("doctor", rich_help_panel=OPERATIONS)(doctor.doctor)
app.add_typer(audit.app, name="audit", rich_help_panel=OPERATIONS)
app.command("backup", rich_help_panel=OPERATIONS)(backup.backup)
app.command("restore", rich_help_panel=OPERATIONS)(backup.restore)
app.add_typer(identity.app, name="identity", rich_help_panel=OPERATIONS)
app.add_typer(peer.app, name="peer", rich_help_panel=OPERATIONS)
app.add_typer(permission.app, name="permission", rich_help_panel=OPERATIONS)
app.add_typer(approval.app, name="approval", rich_help_panel=OPERATIONS)
app.add_typer(pki.app, name="pki", rich_help_panel=OPERATIONS)
app.command("service", rich_help_panel=OPERATIONS)(service.service)
app.command("tidy", rich_help_panel=OPERATIONS)(tidy.tidy)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command line; this process's own unless another is given."""
    # SIGINT too: a shell that starts this in the background has it ignored.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    try:
        try:
            app(args=arguments, prog_name="synergos")
        finally:
            sys.stdout.flush()  # here and not at the very end, where nobody hears that it failed
    except SynergosError as error:
        print(on_terminal(f"synergos: {words_of(error)}"), file=sys.stderr)
        sys.exit(exit_code_of(error))
    except OSError as error:
        _end_unwritten(error)


def _end_unwritten(error: OSError) -> NoReturn:
    """End when standard output, or a file that nobody names to us, cannot be written or read."""
    if not isinstance(error, BrokenPipeError):  # whoever read it has had enough
        where = "" if error.filename is None else f": {error.filename}"
        print(on_terminal(f"synergos: {error.strerror or error}{where}"), file=sys.stderr)
    with suppress(OSError, ValueError):
        # What is left to be written would fail once more at the very end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(ExitCode.FAILED)


def _interrupt(number: int, frame: FrameType | None) -> None:
    """End the command; what it has started is stopped first."""
    raise KeyboardInterrupt
