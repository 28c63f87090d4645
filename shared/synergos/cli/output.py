"""Where the command's words go: results to standard output, everything else to standard error."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from synergos.foreign_text import on_terminal

WIDTH = 100
"""Columns of a table that goes to a pipe or a file; a terminal has its own."""


class Format(StrEnum):
    """How results are written."""

    TABLE = "table"
    JSON = "json"


FormatOption = Annotated[
    Format, typer.Option("--format", help="Write results as a table for people, or as JSON for programs.")
]


def standard_error() -> Console:
    """For progress and messages."""
    return Console(stderr=True)


def say(text: str) -> None:
    """Tell the person who waits something that is no result."""
    standard_error().print(on_terminal(text), markup=False, highlight=False, soft_wrap=True)


def width() -> int:
    """Columns of standard output: those of a terminal, :data:`WIDTH` elsewhere."""
    console = Console()
    return console.width if console.is_terminal else WIDTH


def print_json(value: object) -> None:
    """Write JSON and nothing else to standard output."""
    print(json.dumps(value, indent=2))


def print_table(
    title: str, columns: Sequence[str], rows: Sequence[Mapping[str, object]], *, as_named: bool = False
) -> None:
    """Write a table to standard output, as wide as the terminal, or :data:`WIDTH` elsewhere; nothing is cut off.

    Args:
        as_named: columns are headed by their names, which others may have given them; without it, by words.
    """
    console = Console(width=width())
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    for column in columns:
        table.add_column(Text(on_terminal(column) if as_named else column.replace("_", " ")), overflow="fold")
    for row in rows:
        table.add_row(*(Text(on_terminal(cell(row.get(column)))) for column in columns))
    if title:
        console.print(on_terminal(title), markup=False, highlight=False, soft_wrap=True)
    if rows:
        console.print(table, highlight=False)


def print_rows(title: str, columns: Sequence[str], rows: Sequence[Mapping[str, object]], output: Format) -> None:
    """Write rows to standard output: some columns of them as a table, or all there is as JSON."""
    if output is Format.JSON:
        print_json(list(rows))
    else:
        print_table(title, columns, rows)


def print_record(title: str, fields: Mapping[str, object], output: Format) -> None:
    """Write one thing to standard output: its fields as a table, or as JSON."""
    if output is Format.JSON:
        print_json(fields)
    else:
        print_fields(title, fields)


def counted(number: int, one: str, many: str | None = None) -> str:
    """So many of something, in words.

    Args:
        many: what several are called, where that is not said by an s.
    """
    return f"1 {one}" if number == 1 else f"{number} {many or f'{one}s'}"


def print_fields(title: str, fields: Mapping[str, object]) -> None:
    """Write the fields of one thing to standard output; what lies in a field is ``outer.inner``."""
    rows = [{"field": name, "value": value} for name, value in _flat(fields).items()]
    print_table(title, ("field", "value"), rows)


def cell(value: object) -> str:
    """One cell's text."""
    match value:
        case None:
            return "–"
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:.5g}"
        case Mapping() | list():
            return json.dumps(value, ensure_ascii=False)
        case _:
            return str(value)


def moment(text: object) -> str | None:
    """A time of an answer as people read it: to the minute, in this machine's zone; what is no time as it is."""
    if not isinstance(text, str):
        return None
    try:
        return datetime.fromisoformat(text).astimezone().strftime("%Y-%m-%d %H:%M")
    except ValueError:
        return text


def _flat(fields: Mapping[str, object], within: str = "") -> dict[str, object]:
    flat: dict[str, object] = {}
    for name, value in fields.items():
        if isinstance(value, Mapping) and value:
            flat |= _flat(value, f"{within}{name}.")
        else:
            flat[f"{within}{name}"] = value
    return flat
