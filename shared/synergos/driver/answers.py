"""Answers of an orchestrator: dicts and lists as JSON has them, that show themselves readably on a terminal and in a notebook.

Everything in an answer was written by somebody else, names of columns and ids among it: in HTML all of it is escaped, and on a
terminal what cannot be printed is replaced.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from synergos.driver.rows import Row, flat, rows_of
from synergos.foreign_text import on_page

WIDTH = 100
"""Characters of a line."""
SHORT = WIDTH
"""Characters up to which an object is shown as Python shows a dict."""
MOST_ROWS = 20
MOST_LINES = 40
MOST_HTML_ROWS = 200
_MOST_COMMON_LINES = 4
_WIDEST_CELL = 32
_NOTHING = "–"
_NOT_SHOWN = frozenset({"doc_id", "relations", "link", "parameters"})
"""Of an item in a table: ways to other records, and what a request of a stage said."""


class Record(dict[str, Any]):
    """An object in an answer."""

    def __repr__(self) -> str:
        plain = dict.__repr__(self)
        return plain if len(plain) <= SHORT and "\n" not in plain else "\n".join(_outline(self))

    def _repr_html_(self) -> str:
        return _html_table(["field", "value"], [[name, _cell(value)] for name, value in _fields(self)], "")


class Records(list[Any]):
    """A list of objects in an answer."""

    def __repr__(self) -> str:
        plain = list.__repr__(self)
        return plain if len(plain) <= SHORT and "\n" not in plain else "\n".join(_table(self, ""))

    def _repr_html_(self) -> str:
        return _html_of_list(self, "")


class Answer(Record):
    """The whole of an answer: ``data``, ``status``, ``method``, ``params`` …, or ``message`` when something is wrong."""

    def __repr__(self) -> str:
        if not {"status", "data", "message"} & self.keys():
            return super().__repr__()
        return "\n".join([*self._content(), *self._remarks()])

    def _repr_html_(self) -> str:
        remarks = "".join(f"<p>{on_page(remark)}</p>" for remark in self._remarks())
        data = self.get("data")
        if isinstance(data, list):
            return _html_of_list(data, self._headline()) + remarks
        if isinstance(data, Mapping):
            fields = [[name, _cell(value)] for name, value in _fields(data)]
            return _html_table(["field", "value"], fields, self._headline()) + remarks
        return f"<p>{on_page(self._headline())}</p>{remarks}"

    def _content(self) -> Iterator[str]:
        data = self.get("data")
        if isinstance(data, list):
            yield from _table(data, self._headline())
        else:
            yield _clipped(self._headline(), 10 * WIDTH)
            if isinstance(data, Mapping):
                yield from _outline(data)

    def _headline(self) -> str:
        if "data" not in self:
            return _text(f"error {self.get('status', '')}: {self.get('message') or 'no reason given'}")
        parts = [self.get("method"), self.get("status")]
        if isinstance(self["data"], list):
            parts.append(f"{len(self['data'])} {'item' if len(self['data']) == 1 else 'items'}")
        return " · ".join(_text(part) for part in parts if part is not None)

    def _remarks(self) -> list[str]:
        warnings = self.get("warnings")
        found = [f"warning: {_text(each)}" for each in warnings] if isinstance(warnings, list) else []
        return [*found, *(["there are more: cursor=answer['next']"] if self.get("next") else [])]


def readable(value: Any) -> Any:
    """What JSON has, its objects as :class:`Record` and its lists of objects as :class:`Records`."""
    if isinstance(value, dict):
        return Record({name: readable(each) for name, each in value.items()})
    if isinstance(value, list):
        items = [readable(each) for each in value]
        return Records(items) if any(isinstance(each, Record) for each in items) else items
    return value


def table_of(records: Sequence[Any]) -> tuple[Row, list[Row]]:
    """A list as what all of its rows have in common, and what each row has besides; without columns that say nothing."""
    rows = [{_text(name): value for name, value in row.items()} for record in records for row in _rows(record)]
    names = list(dict.fromkeys(name for row in rows for name in row if name not in _NOT_SHOWN))
    told = [name for name in names if any(row.get(name) not in (None, "", [], {}) for row in rows)]
    common = {name: rows[0].get(name) for name in told if len(rows) > 1 and _is_same(name, rows)}
    return common, [{name: row.get(name) for name in told if name not in common} for row in rows]


def _is_same(name: str, rows: Sequence[Row]) -> bool:
    first = rows[0].get(name)
    return all(row.get(name) == first for row in rows)


def _rows(record: Any) -> Iterator[Row]:
    if not isinstance(record, Mapping):
        yield {"value": record}
    elif record.get("kind") == "Job":
        yield _job_row(record)
    else:
        try:
            yield from list(rows_of(record))
        except (
            AttributeError,
            IndexError,
            KeyError,
            TypeError,
        ):  # not as an orchestrator makes it; to be shown all the same
            yield flat(record)


def _job_row(job: Mapping[str, Any]) -> Row:
    # Late: what shows progress takes longer to import than the rest of the driver.
    from synergos.driver.progress import describe, ids_of

    how = describe({"state": "unknown", **job})
    return {"id": job.get("id"), "stage": job.get("stage"), "how": how, "of": "/".join(ids_of({"keys": {}, **job}))}


def _table(records: Sequence[Any], headline: str) -> Iterator[str]:
    common, rows = table_of(records)
    yield from [_clipped(headline, WIDTH)] if headline else []
    if len(rows) == 1:
        yield from _outline(rows[0])
        return
    yield from _wrapped([_clipped(f"{name} {_cell(value)}", WIDTH) for name, value in common.items()])
    names = list(rows[0]) if rows else []
    columns = [[name, *(_clipped(_cell(row[name]), _WIDEST_CELL) for row in rows[:MOST_ROWS])] for name in names]
    fitting, left_out = _fitting(columns)
    for line in zip(*fitting, strict=True):
        yield "  ".join(line).rstrip()
    if len(rows) > MOST_ROWS:
        yield f"… {len(rows) - MOST_ROWS} more rows"
    if left_out:
        yield _clipped(f"… and {', '.join(left_out)}", WIDTH)


def _fitting(columns: Sequence[Sequence[str]]) -> tuple[list[list[str]], list[str]]:
    """The columns that fit into a line, each padded, and the names of the others."""
    fitting: list[list[str]] = []
    room = WIDTH
    for index, column in enumerate(columns):
        width = max(map(len, column))
        if width > room:
            return fitting, [other[0] for other in columns[index:]]
        room -= width + 2
        fitting.append([cell.ljust(width) for cell in column])
    return fitting, []


def _outline(record: Mapping[str, Any]) -> Iterator[str]:
    fields = _fields(record)
    width = max((len(name) for name, _ in fields), default=0)
    for name, value in fields[:MOST_LINES]:
        yield _clipped(f"{name.ljust(width)}  {_cell(value)}", WIDTH)
    if len(fields) > MOST_LINES:
        yield f"… {len(fields) - MOST_LINES} more fields"


def _fields(record: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """The fields of an object, those of objects in it as ``outer.inner``, its ids by their own names; what is further in as a whole."""
    ids = {name: value for key in ("key", "keys") for name, value in _object(record.get(key)).items()}
    others = {
        name: value for name, value in record.items() if name not in {"key", "keys"} or not isinstance(value, dict)
    }
    return [(_text(name), value) for name, value in (ids | flat(others, depth=2)).items()]


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _cell(value: Any) -> str:
    if value is None:
        return _NOTHING
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list | dict):
        shown = json.dumps(value, default=str)
        if len(shown) <= _WIDEST_CELL:
            return _text(shown)
        kind, one = ("fields", "field") if isinstance(value, dict) else ("items", "item")
        return f"({len(value)} {one if len(value) == 1 else kind})"
    return _text(value)


def _text(value: object) -> str:
    """One line of what can be printed."""
    return "".join(letter if letter.isprintable() else "�" for letter in str(value))


def _wrapped(parts: Sequence[str]) -> list[str]:
    """Parts as lines, none of them broken."""
    lines: list[str] = []
    for part in parts:
        if lines and len(longer := f"{lines[-1]} · {part}") <= WIDTH:
            lines[-1] = longer
        else:
            lines.append(part)
    return [*lines[:_MOST_COMMON_LINES], *(["…"] if len(lines) > _MOST_COMMON_LINES else [])]


def _clipped(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"


def _html_of_list(records: Sequence[Any], headline: str) -> str:
    common, rows = table_of(records)
    in_common = " · ".join(f"{name} {_cell(value)}" for name, value in common.items())
    names = list(rows[0]) if rows else []
    shown = [[_cell(row[name]) for name in names] for row in rows[:MOST_HTML_ROWS]]
    left_out = f"<p>… {len(rows) - MOST_HTML_ROWS} more rows</p>" if len(rows) > MOST_HTML_ROWS else ""
    return _html_table(names, shown, " · ".join(filter(None, [headline, in_common]))) + left_out


def _html_table(names: Sequence[str], rows: Sequence[Sequence[str]], caption: str) -> str:
    head = "".join(f"<th>{on_page(name)}</th>" for name in names)
    body = "".join(f"<tr>{''.join(f'<td>{on_page(cell)}</td>' for cell in row)}</tr>" for row in rows)
    title = f"<caption>{on_page(caption)}</caption>" if caption else ""
    return f"<table>{title}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
