"""Requests to a command port as spans of the traces that they are sent in; what is said in no trace is recorded in none."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Flask, Response, g, request

from synergos.domain.trace_context import TRACEPARENT, TraceContext
from synergos.tracing import OFF, Kind, Span, Tracer, new_span_id, now

_AT_HAND = "span_at_hand"


@dataclass(frozen=True)
class _AtHand:
    """The request at hand.

    Attributes:
        span: as it is recorded, or where it is not, the one that it was sent in.
        parent: the span that it was sent in; None where it is not recorded.
    """

    span: TraceContext
    parent: str | None = None
    start: int = 0


def install(app: Flask, tracer: Tracer = OFF) -> None:
    """Take note of the trace of every request, and record the request in it where there is a collector."""

    def begin() -> None:
        # Of a stranger, perhaps: it is read as what it has to be, or as nothing.
        sent_in = TraceContext.read(request.headers.get(TRACEPARENT))
        if sent_in is not None:
            recorded = _AtHand(sent_in.beneath(new_span_id()), sent_in.span_id, now()) if tracer.is_on else None
            setattr(g, _AT_HAND, recorded or _AtHand(sent_in))

    def end(response: Response) -> Response:
        at_hand: _AtHand | None = g.get(_AT_HAND)
        # Strangers, and what nobody serves, are not recorded: else anybody could have spans written by the thousand.
        if at_hand is not None and at_hand.parent is not None and response.status_code not in _STRANGERS:
            tracer.put(_span(at_hand, at_hand.parent, response))
        return response

    app.before_request(begin)
    app.after_request(end)


def span_at_hand() -> TraceContext | None:
    """The span that the request at hand is, or is sent in; None for one that is sent in no trace."""
    at_hand: _AtHand | None = g.get(_AT_HAND)
    return None if at_hand is None else at_hand.span


def _span(at_hand: _AtHand, parent: str, response: Response) -> Span:
    status = response.status_code
    # The rule, which is the same for all requests of a kind: what stands in a URL is anybody's.
    route = "no route" if request.url_rule is None else request.url_rule.rule
    method = request.method if request.method in _METHODS else "other"
    return Span(
        f"{method} {route}",
        at_hand.span,
        parent,
        at_hand.start,
        now(),
        {"http.request.method": method, "http.route": route, "http.response.status_code": status},
        Kind.SERVER,
        str(status) if status >= _ERRORS else None,
    )


_METHODS = frozenset({"GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"})
_ERRORS = 500
_STRANGERS = frozenset({401, 403, 404, 405})
