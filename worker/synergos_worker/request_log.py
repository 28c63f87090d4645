"""Whom a request comes from and what it is about, in every line that is logged while it is answered."""

from __future__ import annotations

from flask import Flask, request
from structlog.contextvars import bind_contextvars, clear_contextvars

from synergos.domain.asker import Asker


def install(app: Flask) -> None:
    """Have every line say who asks, and the ids in the request's address; a thread that answered one request answers others later."""
    app.before_request(_begin)
    app.teardown_request(_end)


def asker() -> Asker:
    """Who sent the request at hand."""
    return Asker.of(dict(request.headers), request.remote_addr)


def _begin() -> None:
    clear_contextvars()
    ids = dict(request.view_args or {})
    session_id = ids.pop("session_id", None)
    named = {name: value for name, value in ids.items() if name.endswith("_id")}
    bind_contextvars(**asker().facts, **named, **({} if session_id is None else {"session": session_id[:8]}))


def _end(_error: BaseException | None) -> None:
    clear_contextvars()
