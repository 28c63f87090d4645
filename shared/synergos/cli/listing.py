"""How much of a list a command asks for, and shows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import typer

from synergos.cli.output import Format, say
from synergos.errors import InvalidRequest
from synergos.foreign_json import items

IN_TABLE = 20
"""Items of a table, unless said otherwise; JSON has all there are."""
MOST = 1000

LimitOption = Annotated[
    int | None,
    typer.Option(
        "--limit",
        help=f"How many at most, 1 to {MOST}; 0 for all. Default: {IN_TABLE} in a table, all of them in JSON.",
    ),
]


def limit_of(given: int | None, output: Format) -> int | None:
    """How many items to ask for; None for all.

    Raises:
        InvalidRequest: not so many can be asked for.
    """
    if given is None:
        return IN_TABLE if output is Format.TABLE else None
    if not 0 <= given <= MOST:
        raise InvalidRequest(f"expected 0 to {MOST}, got {given}", "--limit")
    return given or None


def say_if_there_is_more(answer: Mapping[str, object]) -> None:
    """Tell on standard error that a list goes on."""
    if answer.get("next"):
        say(f"{len(items(answer['data']))} are shown, the newest; there are more: --limit 0 shows all")
