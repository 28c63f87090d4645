"""Answers of the driver on standard output."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from synergos.cli.ids import METAVARS
from synergos.cli.listing import say_if_there_is_more
from synergos.cli.output import Format, cell, moment, print_fields, print_json, print_table, say, width
from synergos.cli.short_ids import SHORTEST
from synergos.cli.use_case import Shows, UseCase
from synergos.driver.answers import table_of
from synergos.foreign_json import items, mapping

if TYPE_CHECKING:
    import pandas as pd

Record = Mapping[str, object]

_BETWEEN = 2
"""Characters between two columns of a table."""
_TIMES = frozenset({"created_at", "started_at", "finished_at", "trained_at"})
_MACHINES = frozenset({"kind", "doc_id", "relations"})
"""Fields that say nothing to people."""


def show(case: UseCase, answer: Any, output: Format) -> None:
    """Write the answer of a row's call."""
    match case.shows, output:
        case Shows.FILES, _:
            _show_files(answer, output)
        case Shows.FRAME, _:
            _show_frame(answer, output, case.columns)
        case Shows.PLOTTED, Format.JSON:
            _show_frame(answer.frame.reset_index() if answer.frame.index.name else answer.frame, output)
        case Shows.PLOTTED, _:
            _show_frame(getattr(answer, "table", answer.frame).reset_index(), output)
        case _, Format.JSON:
            print_json(answer["data"])
        case Shows.LIST, _:
            show_list(answer["data"], case.columns)
        case Shows.ROWS, _:
            show_rows(answer["data"], case.columns)
        case Shows.RECORD, _:
            show_record(answer["data"])
    if isinstance(answer, Mapping):
        warn(answer)
        say_if_there_is_more(answer)


def warn(answer: Mapping[str, object]) -> None:
    """Tell on standard error what an answer warns of."""
    for warning in items(answer.get("warnings")):
        say(f"synergos: warning: {warning}")


def show_record(record: Record) -> None:
    """Write one record: its ids, its fields, and how much there is beneath it."""
    key = mapping(record.get("key"))
    beneath = {
        f"{name.lower()}s": len(items(found)) for name, found in mapping(record.get("relations")).items() if found
    }
    fields = {name: value for name, value in record.items() if name not in {*_MACHINES, "key"}}
    print_fields("/".join(map(str, key.values())), {**key, **fields, **beneath})


def show_list(records: Sequence[Record], columns: Sequence[str]) -> None:
    """Write a line for each record."""
    # Of a field within another its own name is enough.
    short = {column: column.rpartition(".")[2] for column in columns}
    rows = [{short[column]: _field(record, column) for column in columns} for record in records]
    kinds = Counter(str(record.get("kind", "file")) for record in records)
    print_table(", ".join(f"{count} × {kind}" for kind, count in kinds.items()) or "none", list(short.values()), rows)


def _show_frame(frame: pd.DataFrame, output: Format, first: Sequence[str] = ()) -> None:
    """Write a frame; what is missing in it is null."""
    rows = json.loads(frame.to_json(orient="records", double_precision=15))
    if output is Format.JSON:
        print_json(rows)
    else:
        show_rows(rows, first)


def show_rows(records: Sequence[Record], first: Sequence[str] = ()) -> None:
    """Write results: what all rows have in common above them, and as many columns as there is room for.

    Args:
        first: columns that come before the others, as far as there are any.
    """
    common, rows = table_of(records)
    ids = [str(common.pop(name)) for name in METAVARS if name in common]
    names = dict.fromkeys([*METAVARS, *first, *(rows[0] if rows else ())])
    columns = [name for name in names if rows and name in rows[0]]
    fitting = list(_fitting(columns, rows))
    told = [f"{name} {cell(value)}" for name, value in common.items() if name in first]
    title = "\n".join(filter(None, ["/".join(ids), *wrap(" · ".join(told), width())]))
    print_table(title, fitting, rows, as_named=True)
    if left := [*(name for name in common if name not in first), *(name for name in columns if name not in fitting)]:
        say(f"not shown: {', '.join(left)}; --format json has everything")


def _show_files(found: Mapping[str, object], output: Format) -> None:
    if output is Format.JSON:
        print_json({name: str(path) for name, path in found.items()})
        return
    for path in found.values():
        print(path)


def _field(record: Record, name: str) -> object:
    """A field, or one of its key, or one within another."""
    found: Any = record
    if name in (key := mapping(record.get("key"))):
        return key[name]
    for part in name.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    if name in _TIMES:
        return moment(found)
    return str(found)[:SHORTEST] if name == "job" and found else found


def _fitting(columns: Sequence[str], rows: Sequence[Mapping[str, object]]) -> Iterator[str]:
    """The columns there is room for, from the left."""
    left = width()
    for column in columns:
        left -= max([len(column), *(len(cell(row.get(column))) for row in rows)]) + _BETWEEN
        if left < 0:
            return
        yield column
