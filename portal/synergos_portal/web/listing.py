"""Lists: 50 items a page, what is wanted of them in the URL, and the same as CSV or JSON."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from flask import Response, render_template, request, stream_with_context
from flask.typing import ResponseReturnValue

from synergos.foreign_text import in_spreadsheet
from synergos_portal.orchestrator.client import Listing, Query
from synergos_portal.orchestrator.problems import Nonsense

Item = TypeVar("Item")
PAGE = 50
_WHOLE = 500
"""Items asked for at a time where all of them are wanted."""


@dataclass(frozen=True)
class Column(Generic[Item]):
    """A column of a list.

    Attributes:
        name: in CSV and JSON, where it is never translated.
        value: of an item: text, a number, true or false, or nothing.
    """

    name: str
    value: Callable[[Item], Any]


@dataclass(frozen=True)
class Wanted:
    """What the URL of a list asks for.

    Attributes:
        cursor: where the page begins; None at the beginning.
        order: ``newest`` or ``oldest``.
        filters: by field, without those that are empty.
    """

    cursor: str | None = None
    order: str = "newest"
    filters: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of_request(cls, *filters: str) -> Wanted:
        """What this request asks for.

        Args:
            filters: the fields that the list may be narrowed down by.
        """
        said = {name: request.args.get(name, "").strip() for name in filters}
        order = "oldest" if request.args.get("order") == "oldest" else "newest"
        return cls(request.args.get("cursor") or None, order, {name: value for name, value in said.items() if value})

    @property
    def query(self) -> Query:
        """The same for the orchestrator."""
        return {"limit": PAGE, "order": self.order, "cursor": self.cursor, **self.filters}


def list_page(
    template: str,
    ask: Callable[[Query], Listing[Item]],
    wanted: Wanted,
    columns: Sequence[Column[Item]],
    **values: object,
) -> ResponseReturnValue:
    """A page of a list; all of it as CSV or JSON with ``?format=``.

    Args:
        template: is given ``found`` (a page of the list), ``wanted``, and ``values``.
        ask: gives a page of the list.
    """
    if (whole := whole_list(ask, wanted, columns)) is not None:
        return whole
    return render_template(template, found=ask(wanted.query), wanted=wanted, **values)


_INNER = {"collaborations": "projects", "projects": "experiments", "experiments": "runs"}


def whole_list(
    ask: Callable[[Query], Listing[Item]], wanted: Wanted, columns: Sequence[Column[Item]]
) -> Response | None:
    """All of a list as the file that is asked for; None where a page is."""
    kind = request.args.get("format")
    if kind not in ("csv", "json"):
        return None
    of, _dot, view = (request.endpoint or "").partition(".")
    name = view if view in ("registrations", "workers") else _INNER[of] if view == "show" else of
    return as_file(kind, _all(ask, wanted), columns, name)


def wants_json() -> bool:
    """Whether this request wants a record as JSON (``?format=json``)."""
    return request.args.get("format") == "json"


def as_file(kind: str, items: Iterator[Item], columns: Sequence[Column[Item]], name: str) -> Response:
    """Items as a file for other programs.

    Args:
        kind: ``csv`` or ``json``.
        name: of the file, without what its kind adds.
    """
    # The first page is asked for before the answer begins: what goes wrong with it is an error, and no short file.
    pieces = _json(items, columns) if kind == "json" else _csv(items, columns)
    first = next(pieces)
    told = stream_with_context(_joined(first, pieces))
    if kind == "json":
        return Response(told, mimetype="application/json")
    response = Response(told, mimetype="text/csv")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return response


def cell(value: Any) -> str:
    """A value as a cell of CSV; text that a spreadsheet would take for a formula is marked as text."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return in_spreadsheet(text)


def _all(ask: Callable[[Query], Listing[Item]], wanted: Wanted) -> Iterator[Item]:
    cursor: str | None = None
    read: set[str] = set()
    while True:
        page = ask({**wanted.query, "limit": _WHOLE, "cursor": cursor})
        yield from page.items
        cursor = page.next
        if cursor is None:
            return
        if cursor in read:
            # It would be followed for ever.
            raise Nonsense("the orchestrator's answer is not what was expected: a list that leads back")
        read.add(cursor)


def _json(items: Iterator[Item], columns: Sequence[Column[Item]]) -> Iterator[str]:
    before = "["
    for item in items:
        row = {column.name: column.value(item) for column in columns}
        yield before + json.dumps(row, ensure_ascii=False, default=str)
        before = ", "
    yield "[]\n" if before == "[" else "]\n"


def _csv(items: Iterator[Item], columns: Sequence[Column[Item]]) -> Iterator[str]:
    written = io.StringIO()
    writer = csv.writer(written)
    writer.writerow([column.name for column in columns])
    for item in items:
        writer.writerow([cell(column.value(item)) for column in columns])
        yield _taken(written)
    yield _taken(written)


def _taken(written: io.StringIO) -> str:
    text = written.getvalue()
    written.seek(0)
    written.truncate()
    return text


def _joined(first: str, others: Iterator[str]) -> Iterator[str]:
    yield first
    yield from others
