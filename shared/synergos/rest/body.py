"""Reading a request's body: a JSON object of values that can be stored and shown again, and nothing else."""

from __future__ import annotations

import math

from flask import request
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge, UnsupportedMediaType

from synergos.errors import UnknownName
from synergos.program import heavy_bodies
from synergos.schema.json_text import UNSTORABLE, object_in

MAXIMUM_BODY = 4 * 2**20
"""Bytes; a network of a thousand layers takes a tenth of it."""

MOST_MEMORY = 48 * 2**20
"""Bytes that what is read of a body may take, about."""


def json_object() -> dict[str, object]:
    """The body of the request at hand.

    Raises:
        BadRequest: it is not JSON.
        RequestEntityTooLarge: it is more than the service takes.
        UnsupportedMediaType: it does not say that it is JSON.
        InvalidRequest: it is JSON, but no object, or holds what no record can.
        ServiceUnavailable: others of its size are being read.
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
    heavy_bodies.take_turn(text)
    try:
        return object_in(text, UNSTORABLE, MOST_MEMORY)
    except ValueError as error:
        raise BadRequest(f"expected a JSON object: {error}") from None


def nothing() -> None:
    """Refuse a body of the request at hand that would be without effect; none, or an empty object, is fine.

    Raises:
        InvalidRequest: it says something; names the first key.
    """
    if request.content_length and (said := json_object()):
        raise UnknownName(next(iter(said))[:80], (), next(iter(said))[:80], "a field of this request, which takes none")
