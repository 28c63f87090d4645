"""Reading a request's body: a JSON object of values that can be stored and shown again, and nothing else."""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn

from flask import request
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge, UnsupportedMediaType

from synergos.errors import InvalidRequest, UnknownName
from synergos.schema.explanation import path

MAXIMUM_BODY = 4 * 2**20
"""Bytes; a network of a thousand layers takes a tenth of it."""
MAXIMUM_DEPTH = 32
_MAXIMUM_INTEGER = 2**63


def json_object() -> dict[str, Any]:
    """The body of the request at hand.

    Raises:
        BadRequest: it is not JSON.
        RequestEntityTooLarge: it is more than the service takes.
        UnsupportedMediaType: it does not say that it is JSON.
        InvalidRequest: it is JSON, but no object, or holds what no record can.
    """
    text = request.get_data(cache=False)
    # A body sent in chunks has no length to be refused by; it is cut off at the limit instead.
    if request.content_length is None and len(text) >= (request.max_content_length or math.inf):
        raise RequestEntityTooLarge
    if not text:
        raise BadRequest("expected a JSON object, got an empty body")
    # Any web page may send a body without a type, or as plain text; one that says it is JSON only where we allow it.
    if not request.is_json:
        raise UnsupportedMediaType(f"expected Content-Type: application/json, got {request.mimetype or 'none'}")
    try:
        value = json.loads(text, parse_constant=_refuse_constant)
    except RecursionError:
        raise _too_deep() from None
    except ValueError as error:
        raise BadRequest(f"expected a JSON object: {error}") from None
    if not isinstance(value, dict):
        raise InvalidRequest(f"expected an object, got {type(value).__name__}", "body")
    _check(value)
    return value


def nothing() -> None:
    """Refuse a body of the request at hand that would be without effect; none, or an empty object, is fine.

    Raises:
        InvalidRequest: it says something; names the first key.
    """
    if request.content_length and (said := json_object()):
        raise UnknownName(next(iter(said))[:80], (), next(iter(said))[:80], "a field of this request, which takes none")


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _check(body: dict[str, Any]) -> None:
    """Refuse what passes a JSON parser and breaks something later; without recursion, as bodies can be deep."""
    waiting: list[tuple[Any, tuple[str | int, ...]]] = [(body, ())]
    while waiting:
        value, place = waiting.pop()
        if len(place) > MAXIMUM_DEPTH:
            raise _too_deep()
        if isinstance(value, dict):
            for name, item in value.items():
                _check_text(name, place)
                waiting.append((item, (*place, name)))
        elif isinstance(value, list):
            waiting.extend((item, (*place, index)) for index, item in enumerate(value))
        elif isinstance(value, str):
            _check_text(value, place)
        elif isinstance(value, int | float) and not (math.isfinite(value) and abs(value) < _MAXIMUM_INTEGER):
            raise InvalidRequest("expected a number that fits into 64 bits", path(place))


def _check_text(text: str, place: tuple[str | int, ...]) -> None:
    if "\0" in text or any("\ud800" <= letter <= "\udfff" for letter in text):
        raise InvalidRequest("expected text without NUL and without half a surrogate pair", path(place) or "body")


def _too_deep() -> InvalidRequest:
    return InvalidRequest(f"expected at most {MAXIMUM_DEPTH} levels of nesting", "body")
