"""``synergos tune``: without a verb of its own it starts a study."""

from __future__ import annotations

from difflib import get_close_matches

import typer
from typer.core import TyperGroup

_DEFAULT = "start"
_AS_MISTYPED = 0.7


class TuneGroup(TyperGroup):
    """A group of commands one of which is meant where none is named."""

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override]
        """Put the default command in its place; what looks like another one that is mistyped is left to be refused."""
        if not ctx.resilient_parsing and not self._names_one(args):
            args = [_DEFAULT, *args]
        return super().parse_args(ctx, args)

    def _names_one(self, args: list[str]) -> bool:
        if not args:
            return False
        first = args[0]
        return first in {*self.commands, "--help"} or bool(get_close_matches(first, self.commands, cutoff=_AS_MISTYPED))
