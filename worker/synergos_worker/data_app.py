"""The data port: an algorithm's messages in, its answers out. See docs/wire-formats.md, section 2."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from http import HTTPStatus

from flask import Flask, Response, request
from structlog.contextvars import bind_contextvars
from werkzeug.exceptions import LengthRequired, RequestEntityTooLarge

from synergos.learning.algorithms import Step
from synergos.wire import Encoded
from synergos_worker import error_responses, request_log
from synergos_worker.bodies import LONGEST_WAIT
from synergos_worker.error_responses import as_json
from synergos_worker.message import Message
from synergos_worker.session import Session, WorkKind
from synergos_worker.session_registry import Sessions
from synergos_worker.work import Work

USUAL_WAIT = 10.0
_PREFERRED_WAIT = re.compile(r"(?:^|[,;\s])wait\s*=\s*\"?(\d{1,9}(?:\.\d{1,9})?)", re.IGNORECASE)


def create_data_app(sessions: Sessions) -> Flask:
    """Build the application of the data port; the sessions it works with are handed in."""
    app = Flask("synergos_worker_data", static_folder=None)
    error_responses.install(app)
    request_log.install(app)
    routes = _Routes(sessions)
    for address, verb, view in (
        ("rounds/<int:number>", "PUT", routes.put_round),
        ("rounds/<int:number>", "GET", routes.get_round),
        ("rounds/<int:number>/exchanges/<int:exchange>", "PUT", routes.put_exchange),
        ("rounds/<int:number>/exchanges/<int:exchange>", "GET", routes.get_exchange),
        ("evaluations/<int:number>", "PUT", routes.put_evaluation),
        ("evaluations/<int:number>", "GET", routes.get_evaluation),
        ("model", "PUT", routes.put_model),
    ):
        rule = f"/sessions/<string:session_id>/{address}"
        app.add_url_rule(rule, view.__name__, view, methods=[verb], provide_automatic_options=False)
    return app


class _Routes:
    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    def put_round(self, session_id: str, number: int) -> Response:
        return self.put_exchange(session_id, number, 0)

    def get_round(self, session_id: str, number: int) -> Response:
        return self.get_exchange(session_id, number, 0)

    def put_exchange(self, session_id: str, number: int, exchange: int) -> Response:
        session = self._session(session_id)
        return self._round(session, session.put_round(Step(number, exchange), _message(session, exchange)))

    def get_exchange(self, session_id: str, number: int, exchange: int) -> Response:
        session = self._session(session_id)
        return self._round(session, session.find(WorkKind.ROUND, Step(number, exchange)))

    def put_evaluation(self, session_id: str, number: int) -> Response:
        session = self._session(session_id)
        return self._evaluation(session.put_evaluation(number, _message(session)))

    def get_evaluation(self, session_id: str, number: int) -> Response:
        return self._evaluation(self._session(session_id).find(WorkKind.EVALUATION, number))

    def put_model(self, session_id: str) -> Response:
        session = self._session(session_id)
        session.put_model(_message(session))
        return as_json({})

    def _session(self, session_id: str) -> Session:
        session = self._sessions.get(session_id)
        bind_contextvars(**session.about)
        return session

    def _round(self, session: Session, work: Work) -> Response:
        if not work.wait(_preferred_wait()):
            return _running(work)
        return _streamed(*session.trained(work))

    def _evaluation(self, work: Work) -> Response:
        return as_json(work.result()) if work.wait(_preferred_wait()) else _running(work)


def _message(session: Session, exchange: int | None = None) -> Message:
    """The body of the request at hand, not yet read."""
    length = request.content_length
    if length is None:
        raise LengthRequired("expected a Content-Length")
    if length > (most := session.maximum_message(exchange)):
        raise RequestEntityTooLarge(f"expected at most {most} bytes, the message has {length}")
    # Not Flask's own stream, which copies once more.
    return Message(request.environ["wsgi.input"], length)


def _preferred_wait() -> float:
    """How many seconds the client wants to wait for a result."""
    found = _PREFERRED_WAIT.search(request.headers.get("Prefer", ""))
    return min(float(found[1]), LONGEST_WAIT) if found else USUAL_WAIT


def _running(work: Work) -> Response:
    at = {"round": work.key}
    if isinstance(work.key, Step):
        at = {"round": work.key.round, **({"exchange": work.key.exchange} if work.key.exchange else {})}
    state = {"state": "running", **at, "epoch": work.epoch, "epochs": work.epochs}
    return as_json(state, HTTPStatus.ACCEPTED)


def _streamed(message: Encoded, sent: Callable[[], None]) -> Response:
    """An answer that is read from the network's own memory while it is sent."""

    def pieces() -> Iterator[bytes]:
        try:
            yield from message.chunks()
        finally:
            sent()

    response = Response(pieces(), mimetype="application/octet-stream")
    response.content_length = message.length
    # Also when the client is gone before the first piece; with direct_passthrough nobody would be told.
    response.call_on_close(sent)
    return response
