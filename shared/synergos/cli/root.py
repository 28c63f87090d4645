"""The commands of other packages, loaded when somebody wants one: what they take may be large, or not be there."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

from synergos.cli.exits import ExitCode
from synergos.extras import EXTRAS, needed

COMMANDS = "synergos.commands"
"""Entry points: a command each, as a function, or several as an application of Typer's."""
HERE = "On this machine"


class RootGroup(TyperGroup):
    """The commands that are always there, and after them those of other packages."""

    @cached_property
    def _elsewhere(self) -> dict[str, EntryPoint]:
        points = sorted(entry_points(group=COMMANDS), key=lambda point: point.name)
        return {point.name: point for point in points if point.name not in self.commands}

    def list_commands(self, ctx: Any) -> list[str]:
        """All names; nothing is loaded for them."""
        return [*super().list_commands(ctx), *(name for name in self._elsewhere if name not in self.commands)]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """A command, which is loaded if need be."""
        if cmd_name not in self.commands and cmd_name in self._elsewhere:
            loaded = _loaded(self._elsewhere[cmd_name])
            loaded.rich_help_panel = HERE
            self.add_command(loaded, cmd_name)
        return super().get_command(ctx, cmd_name)


def _loaded(point: EntryPoint) -> Any:
    """The command behind an entry point, or one in its place that says what is missing for it."""
    app = typer.Typer(add_completion=False, rich_markup_mode="markdown")
    try:
        found = point.load()
    except ImportError as missing:
        extra = EXTRAS.get(point.value.partition(".")[0], "all")
        refuse = _not_installed(point.name, missing, extra)
        taking = {"ignore_unknown_options": True, "allow_extra_args": True}
        app.command(point.name, help=f"Not here: {needed(missing, extra)}.", context_settings=taking)(refuse)
        return get_command(app)
    if isinstance(found, typer.Typer):
        found.info.name = point.name
        group = get_command(found)
        group.name = point.name
        return group
    app.command(point.name)(found)
    return get_command(app)


def _not_installed(name: str, missing: ImportError, extra: str) -> Callable[[], None]:
    """A command in the place of one that needs more than there is; it takes whatever that one takes."""

    def refuse() -> None:
        print(f"synergos {name}: {needed(missing, extra)}", file=sys.stderr)
        raise typer.Exit(ExitCode.USAGE)

    return refuse
