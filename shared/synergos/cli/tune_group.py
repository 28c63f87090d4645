"""``synergos tune``: without a verb of its own it starts a study."""

from __future__ import annotations

from difflib import get_close_matches
from itertools import takewhile

import typer
from typer.core import TyperGroup

_DEFAULT = "start"
_AS_MISTYPED = 0.7
_IDS = 3


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
        if first not in self.commands and len(list(takewhile(_is_word, args))) == _IDS:
            # An experiment by its three ids, whatever its collaboration is called; no other command takes as many words.
            return False
        return first in {*self.commands, "--help"} or bool(get_close_matches(first, self.commands, cutoff=_AS_MISTYPED))


def _is_word(argument: str) -> bool:
    return not argument.startswith("-")
