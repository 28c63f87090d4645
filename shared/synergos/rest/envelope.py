"""The JSON envelope of every answer; made anew for each request."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from http import HTTPStatus
from itertools import chain, islice
from types import MappingProxyType
from typing import Any

from flask import Response, request

from synergos.domain.damage import DAMAGED, UNREADABLE
from synergos.program.api_version import API_VERSION

_IDENTITY = ("kind", "id", "key", "keys", "doc_id")


_SENT_AT_ONCE = 2**16
"""Letters of a part of an answer that is sent piece by piece."""
_HELD = 16
"""Parts, a mebibyte: so much is held of an answer, and known by its tag where that is all of it."""


def success(
    method: str,
    data: Any,
    status: int = HTTPStatus.OK,
    *,
    with_params: bool = True,
    headers: Mapping[str, str] | None = None,
    more_params: Mapping[str, object] = MappingProxyType({}),
    more: Mapping[str, object] = MappingProxyType({}),
) -> Response:
    """An answer that carries records.

    Args:
        method: ``<resource>.<verb>``.
        data: one record's representation, or several, one by one if there are many; so are relations of one.
        with_params: whether the ids of the URL are repeated.
        more_params: what is named beside them.
        more: what the envelope says besides.
    """
    params = dict(request.view_args or {}) | dict(more_params) if with_params else {}
    body = {"apiVersion": API_VERSION, "success": 1, "status": int(status), "method": method, "params": params}
    return _in_pieces(_pieces({**body, **more}, data), status, headers)


def failure(
    message: str,
    status: int,
    *,
    field: str | None = None,
    jobs: Sequence[str] = (),
    changed: Mapping[str, object] = MappingProxyType({}),
    headers: Mapping[str, str] | None = None,
) -> Response:
    """An answer that says why not; it has no ``data``, and the driver relies on that."""
    body: dict[str, object] = {"apiVersion": API_VERSION, "success": 0, "status": int(status), "message": message}
    if field:
        body["field"] = field
    if jobs:
        body["jobs"] = list(jobs)
    if changed:
        body["changed"] = dict(changed)
    return as_json(body, status, headers)


def _in_pieces(pieces: Iterator[str], status: int, headers: Mapping[str, str] | None) -> Response:
    """An answer that is made while it is sent, so that nobody holds all of it; at once where it is short."""
    parts = _parts(pieces)
    # Whatever goes wrong at the beginning is answered as any failure is.
    begun = list(islice(parts, _HELD))
    text = "".join(begun) if len(begun) < _HELD else chain(begun, parts)
    return Response(text, int(status), headers, mimetype="application/json")


def _parts(pieces: Iterator[str]) -> Iterator[str]:
    gathered, length = [], 0
    for piece in pieces:
        gathered.append(piece)
        length += len(piece)
        if length >= _SENT_AT_ONCE:
            yield "".join(gathered)
            gathered, length = [], 0
    if gathered:
        yield "".join(gathered)


def _pieces(body: Mapping[str, object], data: Any) -> Iterator[str]:
    """The text of an envelope around its data."""
    yield f'{_text(body)[:-1]}, "data": '
    yield from _item(data) if isinstance(data, Mapping) else _listed(_item(each) for each in data)
    yield "}\n"


def _item(data: Mapping[str, object]) -> Iterator[str]:
    """The text of a representation."""
    relations = data.get("relations")
    if not isinstance(relations, Mapping) or not any(isinstance(found, Iterator) for found in relations.values()):
        yield _text(data)
        return
    yield f'{_text({name: value for name, value in data.items() if name != "relations"})[:-1]}, "relations": {{'
    for number, (name, found) in enumerate(relations.items()):
        yield f"{', ' if number else ''}{_text(name)}: "
        yield from _listed([_text(each)] for each in found)
    yield "}}"


def _listed(items: Iterable[Iterable[str]]) -> Iterator[str]:
    """The text of a list, given those of its items."""
    yield "["
    for number, item in enumerate(items):
        if number:
            yield ", "
        yield from item
    yield "]"


def _text(value: Any) -> str:
    """As JSON; a NaN in it that is no stored record's is our mistake and an error."""
    try:
        return json.dumps(value, allow_nan=False)
    except (ValueError, TypeError, RecursionError):
        return json.dumps(without_damage(value), allow_nan=False)


def as_json(
    body: Mapping[str, object], status: int = HTTPStatus.OK, headers: Mapping[str, str] | None = None
) -> Response:
    """A JSON object as an answer."""
    return Response(f"{_text(body)}\n", int(status), headers, mimetype="application/json")


def without_damage(shown: Any) -> Any:
    """The same with every record in it, the innermost first, that has no form in JSON shown as damaged."""
    if isinstance(shown, list):
        return [without_damage(each) for each in shown]
    if not isinstance(shown, Mapping) or _is_json(shown):
        return shown
    mended = {name: without_damage(each) for name, each in shown.items()}
    if "kind" not in shown or _is_json(mended):
        return mended
    return {name: shown[name] for name in _IDENTITY if name in shown} | {DAMAGED: UNREADABLE}


def _is_json(value: object) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except (ValueError, TypeError, RecursionError):
        return False
    return True
