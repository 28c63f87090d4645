"""Requests to the data port as spans of the traces that they are sent in, and with them what was computed for their answers."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, TypeVar

from synergos.domain.trace_context import TraceContext
from synergos.learning.algorithms import Step
from synergos.tracing import Kind, Span, Tracer, new_span_id, now
from synergos.tracing.span import Attribute
from synergos_worker.session import Session
from synergos_worker.work import Work

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment


class Answer(Protocol):
    """What a request is answered with."""

    @property
    def status(self) -> int:
        """Of HTTP."""

    @property
    def length(self) -> int:
        """Bytes of the content."""


Given = TypeVar("Given", bound=Answer)


@dataclass
class _Request:
    """A request that is recorded.

    Attributes:
        session: that it is about; None until it is known that there is one.
        work: whose result it is answered with; None without one.
    """

    name: str
    sent_in: TraceContext
    received: int
    start: int = field(default_factory=now)
    session: Session | None = None
    work: Work | None = None


_AT_HAND: ContextVar[_Request | None] = ContextVar("recorded_request", default=None)


def recorded(tracer: Tracer, environ: WSGIEnvironment, name: str, answer: Callable[[], Given]) -> Given:
    """Answer a request in a context of its own, and record that where it was sent in a trace."""
    sent_in = TraceContext.read(environ.get("HTTP_TRACEPARENT")) if tracer.is_on else None
    if sent_in is None:
        return answer()
    length = environ.get("CONTENT_LENGTH", "")
    request = _Request(name, sent_in, int(length) if length.isdecimal() and len(length) < 20 else 0)
    _AT_HAND.set(request)
    failure: str | None = None
    status = sent = 0
    try:
        found = answer()
        status, sent = found.status, found.length
        return found
    except Exception as error:
        failure = type(error).__name__
        raise
    finally:
        _put(tracer, request, status, sent, failure)


def note_session(session: Session) -> None:
    """Take note of the session that the request at hand is about."""
    if (request := _AT_HAND.get()) is not None:
        request.session = session


def note_result(work: Work) -> None:
    """Take note that the request at hand is answered with the result of a piece of work."""
    if (request := _AT_HAND.get()) is not None:
        request.work = work


def _put(tracer: Tracer, request: _Request, status: int, sent: int, failure: str | None) -> None:
    if request.session is None:
        # Of a stranger: what he says is no part of any trace that somebody looks at.
        return
    ids = _about(request.session)
    told: dict[str, Attribute] = {
        **ids,
        "synergos.bytes.received": request.received,
        "synergos.bytes.sent": sent,
        "http.response.status_code": status,
    }
    span, parent = request.sent_in.beneath(new_span_id()), request.sent_in.span_id
    tracer.put(Span(request.name, span, parent, request.start, now(), told, Kind.SERVER, failure))
    work = request.work
    # It may be fetched again.
    if work is not None and work.begun and not work.is_recorded:
        work.is_recorded = True
        done = {**ids, **_position(work), "synergos.epochs": work.epoch}
        failed = "failed" if work.has_failed else None
        tracer.put(
            Span(
                "computing",
                request.sent_in.beneath(new_span_id()),
                parent,
                work.begun,
                work.ended,
                done,
                failure=failed,
            )
        )


def _about(session: Session) -> dict[str, Attribute]:
    # The whole id is the key to this port.
    ids = {"session": session.id[:8], "participant": session.about.get("participant", ""), **session.run}
    return {f"synergos.{name}": value for name, value in ids.items()}


def _position(work: Work) -> dict[str, Attribute]:
    match work.key:
        case Step(round=number, exchange=exchange):
            return {"synergos.round": number, "synergos.exchange": exchange}
        case int(number):
            return {"synergos.round": number}
        case _:
            return {}
