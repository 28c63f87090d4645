"""Where the command's words go: results to standard output, everything else to standard error."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table


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


def print_json(value: object) -> None:
    """Write JSON and nothing else to standard output."""
    print(json.dumps(value, indent=2))


def print_table(title: str, columns: Sequence[str], rows: Sequence[Mapping[str, object]]) -> None:
    """Write a table to standard output; a pipe gets it as wide as it needs to be."""
    console = Console()
    table = Table()
    for column in columns:
        table.add_column(column.replace("_", " "), overflow="fold")
    for row in rows:
        table.add_row(*(cell(row.get(column)) for column in columns))
    if not console.is_terminal:
        unbounded = console.options.update(max_width=10_000)
        console.width = max(console.width, console.measure(table, options=unbounded).maximum)
    console.print(title, markup=False, highlight=False, soft_wrap=True)
    console.print(table)


def cell(value: object) -> str:
    """One cell's text."""
    if value is None:
        return "–"
    return f"{value:.4f}" if isinstance(value, float) else str(value)
