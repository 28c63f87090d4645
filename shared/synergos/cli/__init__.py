"""The ``synergos`` command: noun, then verb. What is here talks to an orchestrator; other packages add commands of theirs."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import entry_points, version
from types import FrameType
from typing import Annotated

import typer

from synergos.cli import backup, doctor, export, federation, profile, service, tidy
from synergos.cli.connection import connected
from synergos.cli.exits import MEANINGS, ExitCode, exit_code_of, words_of
from synergos.cli.made import command_of
from synergos.cli.tune_group import TuneGroup
from synergos.cli.use_cases import NOUNS, USE_CASES
from synergos.errors import SynergosError
from synergos.extras import EXTRAS, needed

COMMANDS = "synergos.commands"
"""Entry points: a command each, as a function, or several as an application of Typer's."""
_EXIT_CODES = "\n\n".join(f"{code:>3}  {meaning}" for code, meaning in MEANINGS.items())

app = typer.Typer(
    name="synergos",
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


app.command("init")(federation.init)
for command in (federation.diff, federation.apply, federation.destroy):
    app.command(command.__name__)(connected(command))
app.add_typer(profile.app, name="profile")
groups = {noun: typer.Typer(no_args_is_help=True, help=about) for noun, about in NOUNS.items()}
groups["tune"] = typer.Typer(cls=TuneGroup, help=NOUNS["tune"])
"""What other modules add their commands to, by noun."""
for noun, group in groups.items():
    app.add_typer(group, name=noun)
for use_case in USE_CASES:
    words = use_case.command.split()
    (app if len(words) == 1 else groups[words[0]]).command(words[-1])(command_of(use_case))
app.command("export")(export.export)
app.command("doctor")(doctor.doctor)
app.command("backup")(backup.backup)
app.command("restore")(backup.restore)
app.command("service")(service.service)
app.command("tidy")(tidy.tidy)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command line; this process's own unless another is given."""
    # SIGINT too: a shell that starts this in the background has it ignored.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    try:
        app(args=arguments, prog_name="synergos")
    except SynergosError as error:
        print(f"synergos: {words_of(error)}", file=sys.stderr)
        sys.exit(exit_code_of(error))


def _interrupt(number: int, frame: FrameType | None) -> None:
    """End the command; what it has started is stopped first."""
    raise KeyboardInterrupt


def _not_installed(name: str, missing: ImportError, extra: str) -> Callable[[], None]:
    """A command in the place of one that needs more than there is; it takes whatever that one takes."""

    def refuse() -> None:
        print(f"synergos {name}: {needed(missing, extra)}", file=sys.stderr)
        raise typer.Exit(ExitCode.USAGE)

    return refuse


def _add_commands() -> None:
    """Add what other packages have to say by this command."""
    for point in sorted(entry_points(group=COMMANDS), key=lambda point: point.name):
        try:
            command = point.load()
        except ImportError as missing:  # the driver's own installation can still look at jobs
            extra = EXTRAS.get(point.value.partition(".")[0], "all")
            refuse = _not_installed(point.name, missing, extra)
            taking = {"ignore_unknown_options": True, "allow_extra_args": True}
            app.command(point.name, help=f"Not here: {needed(missing, extra)}.", context_settings=taking)(refuse)
        else:
            if isinstance(command, typer.Typer):
                app.add_typer(command, name=point.name)
            else:
                app.command(point.name)(command)


_add_commands()
