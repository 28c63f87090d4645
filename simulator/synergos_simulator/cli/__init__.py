"""The ``synergos`` command: noun, then verb."""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence
from types import FrameType

import typer

from synergos.errors import SynergosError
from synergos_simulator.cli import job, tune
from synergos_simulator.cli.exits import MEANINGS, ExitCode, exit_code_of

_EXIT_CODES = "\n\n".join(f"{code:>3}  {meaning}" for code, meaning in MEANINGS.items())

app = typer.Typer(
    name="synergos",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help="Federated learning from the command line.",
    epilog=f"Exit codes:\n\n{_EXIT_CODES}",
)
app.add_typer(job.app, name="job")
app.add_typer(tune.app, name="tune")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command line; this process's own unless another is given."""
    # SIGINT too: a shell that starts this in the background has it ignored.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    try:
        app(args=arguments, prog_name="synergos")
    except SynergosError as error:
        print(f"synergos: {error}", file=sys.stderr)
        sys.exit(exit_code_of(error))


def _interrupt(number: int, frame: FrameType | None) -> None:
    """End the command; what it has started is stopped first."""
    raise KeyboardInterrupt


def _not_installed() -> None:
    print("synergos: not available here; install synergos[simulator]", file=sys.stderr)
    raise typer.Exit(ExitCode.FAILED)


try:
    from synergos_simulator.cli import grid, simulate
except ImportError as missing:  # the driver's own installation can still look at jobs
    for _name in ("grid", "simulate"):
        app.command(_name, help=f"Not available without {missing.name}: install synergos[simulator].")(_not_installed)
else:
    app.add_typer(grid.app, name="grid")
    app.command()(simulate.simulate)
