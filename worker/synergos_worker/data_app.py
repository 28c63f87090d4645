"""The data port: an algorithm's messages in, its answers out. See docs/wire-formats.md, section 2.

A WSGI application without a framework: of a small round, one takes as long as all else that a worker does beside training.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextvars import Context
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import parse_qs

from structlog.contextvars import bind_contextvars
from werkzeug.exceptions import LengthRequired, MethodNotAllowed, NotFound, RequestEntityTooLarge

from synergos.domain.reachability import DATA
from synergos.learning.algorithms import Step
from synergos.program import bandwidth
from synergos.program.connection import keep_open
from synergos.program.response_body import Send, sending
from synergos.wire import Encoded
from synergos_worker.bodies import LONGEST_WAIT
from synergos_worker.error_responses import json_of, refusal_of
from synergos_worker.identity import Identity
from synergos_worker.logged import shortened
from synergos_worker.message import Message
from synergos_worker.session import Session
from synergos_worker.session_registry import Sessions
from synergos_worker.work import Work
from synergos_worker.work_order import WorkKind

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

USUAL_WAIT = 10.0
_PREFERRED_WAIT = re.compile(r"(?:^|[,;\s])wait\s*=\s*\"?(\d{1,9}(?:\.\d{1,9})?)", re.IGNORECASE)
# Python makes no number of thousands of digits; none of more than a few is of a round that a run has.
_NUMBER = "([0-9]{1,1000})"
_KEY = re.compile(r"^(/sessions/[^/]{1,8})[^/]*")
_SESSION = re.compile(r"/sessions/([^/]+)/(.*)", re.DOTALL)


@dataclass(frozen=True)
class _Response:
    """What is answered: bytes that are there, or that are read from a network's memory while they are sent."""

    status: int
    mimetype: str
    length: int
    body: Iterable[bytes]


_View: TypeAlias = Callable[..., _Response]


class DataApp:
    """The application of the data port.

    Args:
        sessions: those it works with.
        identity: of the worker, for ``/health``.
    """

    def __init__(self, sessions: Sessions, identity: Identity) -> None:
        self._sessions = sessions
        self._identity = identity
        rounds: Mapping[str, _View] = {"PUT": self._put_round, "GET": self._get_round}
        evaluations: Mapping[str, _View] = {"PUT": self._put_evaluation, "GET": self._get_evaluation}
        self._routes = (
            (re.compile(f"rounds/{_NUMBER}(?:/exchanges/{_NUMBER})?"), rounds),
            (re.compile(f"evaluations/{_NUMBER}"), evaluations),
            (re.compile("model"), {"PUT": self._put_model}),
        )

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request; whatever goes wrong is answered as well."""
        # What is logged meanwhile says whom it is about, and nothing of that stays with the thread.
        response = Context().run(self._answer, environ)
        headers = [("Content-Type", response.mimetype), ("Content-Length", str(response.length))]
        start_response(_STATUS_LINES[response.status], headers)
        return response.body

    def _answer(self, environ: WSGIEnvironment) -> _Response:
        # The session's id is the key to this port: it stands in no log.
        method, route = environ["REQUEST_METHOD"], _KEY.sub(r"\1…", environ["PATH_INFO"])
        try:
            if route == "/health":
                return self._health(method)
            if route == bandwidth.ROUTE:
                return _bandwidth(environ, method)
            found = _SESSION.fullmatch(environ["PATH_INFO"])
            if found is None:
                raise NotFound(f"there is no route {shortened(route)} here, at the data port of a worker")
            session_id, route = found.groups()
            view, numbers = self._view(method, route)
            return view(environ, session_id, *numbers)
        except Exception as error:  # a worker answers, whatever happens
            status, body = refusal_of(error, method=method, path=shortened(route), address=environ.get("REMOTE_ADDR"))
            return _json(body, status)

    def _view(self, method: str, address: str) -> tuple[_View, list[int]]:
        for pattern, views in self._routes:
            if (found := pattern.fullmatch(address)) is not None:
                if method not in views:
                    raise MethodNotAllowed
                return views[method], [int(number or 0) for number in found.groups()]
        raise NotFound

    def _health(self, method: str) -> _Response:
        if method != "GET":
            raise MethodNotAllowed
        return _json(self._identity.health(DATA))

    def _put_round(self, environ: WSGIEnvironment, session_id: str, number: int, exchange: int) -> _Response:
        session = self._session(environ, session_id)
        return _round(environ, session, session.put_round(Step(number, exchange), _message(environ, session, exchange)))

    def _get_round(self, environ: WSGIEnvironment, session_id: str, number: int, exchange: int) -> _Response:
        session = self._session(environ, session_id)
        return _round(environ, session, session.find(WorkKind.ROUND, Step(number, exchange)))

    def _put_evaluation(self, environ: WSGIEnvironment, session_id: str, number: int) -> _Response:
        session = self._session(environ, session_id)
        return _evaluation(environ, session, session.put_evaluation(number, _message(environ, session)))

    def _get_evaluation(self, environ: WSGIEnvironment, session_id: str, number: int) -> _Response:
        session = self._session(environ, session_id)
        return _evaluation(environ, session, session.find(WorkKind.EVALUATION, number))

    def _put_model(self, environ: WSGIEnvironment, session_id: str) -> _Response:
        session = self._session(environ, session_id)
        session.put_model(_message(environ, session))
        return _json({})

    def _session(self, environ: WSGIEnvironment, session_id: str) -> Session:
        session = self._sessions.get(session_id)
        bind_contextvars(**session.about)
        keep_open(environ)
        return session


class _Streamed:
    """The body of an answer that is read from the network's own memory while it is sent."""

    def __init__(self, message: Encoded, sent: Callable[[], None], send: Send | None) -> None:
        self._message = message
        self._sent = sent
        self._send = send

    def __iter__(self) -> Iterator[bytes]:
        try:
            if self._send is None:
                yield from self._message.chunks()
            else:
                yield from self._directly(self._send)
        finally:
            self._sent()

    def _directly(self, send: Send) -> Iterator[bytes]:
        pieces = self._message.buffers()
        # At least the message's own header.
        yield bytes(next(pieces))
        for piece in pieces:
            send(piece)

    def close(self) -> None:
        """Called by the server in any case, also when the client was gone before the first piece."""
        self._sent()


def _bandwidth(environ: WSGIEnvironment, method: str) -> _Response:
    """Bytes that mean nothing, for whoever measures the line."""
    match method:
        case "GET":
            [asked] = parse_qs(environ.get("QUERY_STRING", "")).get("bytes", [""])[-1:]
            count = bandwidth.amount(asked)
            return _Response(HTTPStatus.OK, "application/octet-stream", count, bandwidth.pieces(count))
        case "PUT":
            count = bandwidth.amount(environ.get("CONTENT_LENGTH", ""))
            return _json({"bytes": bandwidth.discard(environ["wsgi.input"].read, count)})
        case _:
            raise MethodNotAllowed


def _round(environ: WSGIEnvironment, session: Session, work: Work) -> _Response:
    if not work.wait(_preferred_wait(environ)):
        return _running(work)
    message, sent = session.trained(work)
    body = _Streamed(message, sent, sending(environ))
    return _Response(HTTPStatus.OK, "application/octet-stream", message.length, body)


def _evaluation(environ: WSGIEnvironment, session: Session, work: Work) -> _Response:
    return _json(session.evaluated(work)) if work.wait(_preferred_wait(environ)) else _running(work)


def _message(environ: WSGIEnvironment, session: Session, exchange: int | None = None) -> Message:
    """The body of the request at hand, not yet read."""
    text = environ.get("CONTENT_LENGTH", "")
    if not (text.isascii() and text.isdecimal()):
        raise LengthRequired("expected a Content-Length")
    # See above for the digits; it is too long in any case.
    length = int(text[:1000])
    if length > (most := session.maximum_message(exchange)):
        raise RequestEntityTooLarge(f"expected at most {most} bytes, the message has {length}")
    return Message(environ["wsgi.input"], length)


def _preferred_wait(environ: WSGIEnvironment) -> float:
    """How many seconds the client wants to wait for a result."""
    found = _PREFERRED_WAIT.search(environ.get("HTTP_PREFER", ""))
    return min(float(found[1]), LONGEST_WAIT) if found else USUAL_WAIT


def _running(work: Work) -> _Response:
    at = {"round": work.key}
    if isinstance(work.key, Step):
        at = {"round": work.key.round, **({"exchange": work.key.exchange} if work.key.exchange else {})}
    state = {"state": "running", **at, "epoch": work.epoch, "epochs": work.epochs}
    return _json(state, HTTPStatus.ACCEPTED)


def _json(body: Mapping[str, Any], status: int = HTTPStatus.OK) -> _Response:
    content = json_of(body).encode()
    return _Response(status, "application/json", len(content), [content])


_STATUS_LINES = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}
