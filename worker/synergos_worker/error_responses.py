"""Mapping of errors to HTTP statuses; every refusal is logged, with the reason that is answered."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from http import HTTPStatus

import structlog
from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException, NotFound

from synergos.errors import (
    Conflict,
    GridError,
    InvalidRequest,
    NotAllowed,
    NotRecorded,
    NotSupported,
    NotYetAllowed,
    RecordNotFound,
    ServiceStopping,
    SynergosError,
    UnusableData,
    WireFormatError,
)
from synergos.program.api_version import API_VERSION
from synergos.program.failures import facts_of
from synergos.program.refusals import words_of
from synergos_worker.logged import shortened

log = structlog.get_logger(__name__)

STATUSES: Mapping[type[SynergosError], HTTPStatus] = {
    Conflict: HTTPStatus.CONFLICT,
    GridError: HTTPStatus.UNPROCESSABLE_ENTITY,
    InvalidRequest: HTTPStatus.EXPECTATION_FAILED,
    NotAllowed: HTTPStatus.FORBIDDEN,
    NotYetAllowed: HTTPStatus.PRECONDITION_REQUIRED,
    NotRecorded: HTTPStatus.INSUFFICIENT_STORAGE,
    NotSupported: HTTPStatus.UNPROCESSABLE_ENTITY,
    RecordNotFound: HTTPStatus.NOT_FOUND,
    ServiceStopping: HTTPStatus.SERVICE_UNAVAILABLE,
    UnusableData: HTTPStatus.UNPROCESSABLE_ENTITY,
    WireFormatError: HTTPStatus.EXPECTATION_FAILED,
}


def install(app: Flask, note: Callable[[Exception], None] = lambda _: None) -> None:
    """Have every failure of an application answered as JSON, on the routes it has and on those it has not.

    Args:
        note: is told of each, while its request is at hand.
    """

    def answer(error: Exception) -> Response:
        note(error)
        return _answer(error)

    app.register_error_handler(Exception, answer)


def as_json(body: Mapping[str, object], status: int = HTTPStatus.OK) -> Response:
    """A JSON object as an answer; see :func:`json_of`."""
    return Response(json_of(body), int(status), mimetype="application/json")


def json_of(body: Mapping[str, object]) -> str:
    """A JSON object as text; a NaN in it is our mistake and an error."""
    return json.dumps(body, allow_nan=False) + "\n"


def refusal_of(error: Exception, **facts: object) -> tuple[int, Mapping[str, object]]:
    """The HTTP status and the body by which a failure is answered; it is logged too, as its owner is asked what was wrong.

    Args:
        facts: about the request, for the log.
    """
    if isinstance(error, SynergosError):
        status = next(
            (STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES), HTTPStatus.UNPROCESSABLE_ENTITY
        )
        field = error.field if isinstance(error, InvalidRequest) else None
        return _refusal(str(error), status, facts, field)
    if isinstance(error, HTTPException):
        status = HTTPStatus(error.code or HTTPStatus.INTERNAL_SERVER_ERROR)
        said = words_of(error, str(facts.get("method", "")), str(facts.get("path", "here")))
        return _refusal(said, status, facts)
    log_unforeseen("request failed", error, **facts)
    return _body("something went wrong in this worker; its log says what", HTTPStatus.INTERNAL_SERVER_ERROR)


def log_unforeseen(event: str, error: BaseException, **facts: object) -> None:
    """Log what went wrong and where, without the error's text: libraries quote the data they could not handle."""
    log.error(event, **facts_of(error), **facts)


def _answer(error: Exception) -> Response:
    if isinstance(error, NotFound) and request.url_rule is None:
        error = NotFound(f"there is no route {shortened(request.path)} here, at the command port of a worker")
    status, body = refusal_of(error, method=request.method, path=shortened(request.path))
    return as_json(body, status)


def _refusal(
    message: str, status: HTTPStatus, facts: Mapping[str, object], field: str | None = None
) -> tuple[int, Mapping[str, object]]:
    log.warning("refused", status=status.value, reason=shortened(message), **facts)
    return _body(message, status, field)


def _body(message: str, status: int, field: str | None = None) -> tuple[int, Mapping[str, object]]:
    body = {"apiVersion": API_VERSION, "success": 0, "status": int(status), "message": message, "field": field}
    return int(status), body
