"""The data port: an algorithm's messages in, its answers out. See docs/wire-formats.md, section 2.

A WSGI application without a framework: of a small round, one takes as long as all else that a worker does beside training.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextvars import Context
from dataclasses import dataclass
from http import HTTPStatus
from itertools import chain
from typing import TYPE_CHECKING, Protocol, TypeAlias
from urllib.parse import parse_qs

from structlog.contextvars import bind_contextvars
from werkzeug.exceptions import LengthRequired, MethodNotAllowed, NotFound, RequestEntityTooLarge

from synergos.domain.reachability import DATA
from synergos.errors import InvalidRequest
from synergos.learning.algorithms import Step
from synergos.program import bandwidth
from synergos.program.connection import giving_up, keep_open
from synergos.program.response_body import Send, sending
from synergos.tracing import OFF, Tracer
from synergos.wire import Encoded
from synergos.wire.codec import CHUNK_BYTES
from synergos_worker.bodies import LONGEST_WAIT
from synergos_worker.component import Component
from synergos_worker.data_traces import note_result, note_session, recorded
from synergos_worker.door import PEER
from synergos_worker.error_responses import json_of, refusal_of
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
_RANGE = re.compile(r"bytes=([0-9]{1,20})-")
_BYTES = "application/octet-stream"
_KEY = re.compile(r"^(/sessions/[^/]{1,8})[^/]*")
_SESSION = re.compile(r"/sessions/([^/]+)/(.*)", re.DOTALL)


@dataclass(frozen=True)
class _Response:
    """What is answered: bytes that are there, or that are read from a network's memory while they are sent."""

    status: int
    mimetype: str
    length: int
    body: Iterable[bytes]
    headers: tuple[tuple[str, str], ...] = ()


_View: TypeAlias = Callable[..., _Response]


class Traffic(Protocol):
    """Takes note of what the data port carries; may be called by any thread."""

    def received(self, size: int, /) -> None:
        """A message of so many bytes is coming."""

    def sent(self, size: int, /) -> None:
        """An answer of so many is going."""


class _Uncounted:
    def received(self, _size: int, /) -> None:
        pass

    def sent(self, _size: int, /) -> None:
        pass


UNCOUNTED: Traffic = _Uncounted()


class DataApp:
    """The application of the data port.

    Args:
        sessions: those it works with.
        identity: of the worker, for ``/health``.
        traffic: takes note of the messages of sessions and of what is answered.
        tracer: is told of requests that are sent in traces.
        note_refusal: is told of what is refused within a session: why, what was asked, and the id of the session.
    """

    def __init__(
        self,
        sessions: Sessions,
        identity: Component,
        traffic: Traffic = UNCOUNTED,
        tracer: Tracer = OFF,
        note_refusal: Callable[[Exception, str, str], None] = lambda *_: None,
    ) -> None:
        self._note_refusal = note_refusal
        self._sessions = sessions
        self._identity = identity
        self._traffic = traffic
        self._tracer = tracer
        rounds: Mapping[str, _View] = {"PUT": self._put_round, "GET": self._get_round}
        evaluations: Mapping[str, _View] = {"PUT": self._put_evaluation, "GET": self._get_evaluation}
        self._routes = (
            (re.compile(f"rounds/{_NUMBER}(?:/exchanges/{_NUMBER})?"), rounds),
            (re.compile(f"evaluations/{_NUMBER}"), evaluations),
            (re.compile("model"), {"PUT": self._put_model}),
            (re.compile(f"rounds/{_NUMBER}(?:/exchanges/{_NUMBER})?/received"), {"GET": self._get_received_round}),
            (re.compile(f"evaluations/{_NUMBER}/received"), {"GET": self._get_received_evaluation}),
            (re.compile("model/received"), {"GET": self._get_received_model}),
        )

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request; whatever goes wrong is answered as well."""
        # What is logged meanwhile says whom it is about, and nothing of that stays with the thread.
        response = Context().run(self._answer, environ)
        headers = [("Content-Type", response.mimetype), ("Content-Length", str(response.length)), *response.headers]
        start_response(_STATUS_LINES[response.status], headers)
        return response.body

    def _answer(self, environ: WSGIEnvironment) -> _Response:
        # The session's id is the key to this port: it stands in no log.
        method, route = environ["REQUEST_METHOD"], _KEY.sub(r"\1…", environ["PATH_INFO"])
        found = _SESSION.fullmatch(environ["PATH_INFO"])
        try:
            if route == "/health":
                return self._health(method)
            if route == bandwidth.ROUTE:
                return _bandwidth(environ, method)
            if found is None:
                raise NotFound(f"there is no route {shortened(route)} here, at the data port of a worker")
            session_id, route = found.groups()
            view, numbers = self._view(method, route)
            bind_contextvars(**dict(zip(("round", "exchange"), numbers, strict=False)))
            name = f"{method} {route.partition('/')[0].removesuffix('s')}"
            response = recorded(self._tracer, environ, name, lambda: view(environ, session_id, *numbers))
            self._traffic.sent(response.length)
            return response
        except Exception as error:  # a worker answers, whatever happens
            if found is not None:
                self._note_refusal(error, f"{method} {shortened(found[2])}", found[1])
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
        session = self._session(environ, session_id, self._sessions.allowed)
        return _round(
            environ,
            session,
            session.put_round(Step(number, exchange), self._counted_message(environ, session, exchange)),
        )

    def _get_round(self, environ: WSGIEnvironment, session_id: str, number: int, exchange: int) -> _Response:
        session = self._session(environ, session_id)
        return _round(environ, session, session.find(WorkKind.ROUND, Step(number, exchange)))

    def _put_evaluation(self, environ: WSGIEnvironment, session_id: str, number: int) -> _Response:
        session = self._session(environ, session_id, self._sessions.allowed)
        return _evaluation(environ, session, session.put_evaluation(number, self._counted_message(environ, session)))

    def _get_evaluation(self, environ: WSGIEnvironment, session_id: str, number: int) -> _Response:
        session = self._session(environ, session_id)
        return _evaluation(environ, session, session.find(WorkKind.EVALUATION, number))

    def _put_model(self, environ: WSGIEnvironment, session_id: str) -> _Response:
        session = self._session(environ, session_id, self._sessions.allowed)
        session.put_model(self._counted_message(environ, session))
        return _json({})

    def _get_received_round(self, environ: WSGIEnvironment, session_id: str, number: int, exchange: int) -> _Response:
        return self._received(environ, session_id, WorkKind.ROUND, Step(number, exchange))

    def _get_received_evaluation(self, environ: WSGIEnvironment, session_id: str, number: int) -> _Response:
        return self._received(environ, session_id, WorkKind.EVALUATION, number)

    def _get_received_model(self, environ: WSGIEnvironment, session_id: str) -> _Response:
        return self._received(environ, session_id, WorkKind.MODEL, None)

    def _received(
        self, environ: WSGIEnvironment, session_id: str, kind: WorkKind, number: Step | int | None
    ) -> _Response:
        message = self._session(environ, session_id).received(kind, number)
        if message is None or not message.kept:
            return _json({"bytes": 0})
        return _json({"bytes": message.kept, "of": message.whole, "digest": message.digest})

    def _counted_message(self, environ: WSGIEnvironment, session: Session, exchange: int | None = None) -> Message:
        """The body of the request at hand, not yet read."""
        message = _message(environ, session, exchange)
        self._traffic.received(message.length)
        return message

    def _session(
        self, environ: WSGIEnvironment, session_id: str, found: Callable[[str, str | None], Session] | None = None
    ) -> Session:
        session = (found or self._sessions.get)(session_id, environ.get(PEER))
        bind_contextvars(**session.about)
        note_session(session)
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
        # Behind something that was yielded: at least the message's own header, or what is left of it.
        first = next(pieces)
        yield bytes(first[:CHUNK_BYTES])
        for piece in chain((first[CHUNK_BYTES:],), pieces):
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
            return _Response(HTTPStatus.OK, _BYTES, count, bandwidth.pieces(count))
        case "PUT":
            count = bandwidth.amount(environ.get("CONTENT_LENGTH", ""))
            return _json({"bytes": bandwidth.discard(environ["wsgi.input"].read, count)})
        case _:
            raise MethodNotAllowed


def _round(environ: WSGIEnvironment, session: Session, work: Work) -> _Response:
    if not work.wait(_preferred_wait(environ)):
        return _running(work)
    note_result(work)
    message, sent = session.trained(work, giving_up(environ))
    offset = _wanted_from(environ, message)
    message = message.after(offset)
    body = _Streamed(message, sent, sending(environ))
    if not offset:
        return _Response(HTTPStatus.OK, _BYTES, message.length, body)
    where = ("Content-Range", f"bytes {offset}-{message.whole - 1}/{message.whole}")
    return _Response(HTTPStatus.PARTIAL_CONTENT, _BYTES, message.length, body, (where,))


def _wanted_from(environ: WSGIEnvironment, message: Encoded) -> int:
    """How many bytes of an answer the client has already; none unless they are surely of this one."""
    found = _RANGE.fullmatch(environ.get("HTTP_RANGE", ""))
    if found is None or environ.get("HTTP_IF_RANGE") != f'"{message.digest}"':
        return 0
    offset = int(found[1])
    return offset if offset < message.whole else 0


def _evaluation(environ: WSGIEnvironment, session: Session, work: Work) -> _Response:
    if not work.wait(_preferred_wait(environ)):
        return _running(work)
    note_result(work)
    return _json(session.found(work))


def _message(environ: WSGIEnvironment, session: Session, exchange: int | None = None) -> Message:
    """The body of the request at hand, not yet read."""
    text = environ.get("CONTENT_LENGTH", "")
    if not (text.isascii() and text.isdecimal()):
        raise LengthRequired("expected a Content-Length")
    # See above for the digits; it is too long in any case.
    length = int(text[:1000])
    offset = _offset(environ)
    if offset + length > (most := session.maximum_message(exchange)):
        raise RequestEntityTooLarge(f"expected at most {most} bytes, the message has {offset + length}")
    digest = environ.get("HTTP_IF_MATCH", "").strip('"') if offset else None
    return Message(environ["wsgi.input"], length, offset, digest, giving_up(environ))


def _offset(environ: WSGIEnvironment) -> int:
    """How many bytes of the message came by another connection."""
    text = environ.get("HTTP_UPLOAD_OFFSET", "0")
    if not (text.isascii() and text.isdecimal()):
        raise InvalidRequest("expected a number of bytes", "Upload-Offset")
    return int(text[:1000])


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


def _json(body: Mapping[str, object], status: int = HTTPStatus.OK) -> _Response:
    content = json_of(body).encode()
    return _Response(status, "application/json", len(content), [content])


_STATUS_LINES = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}
