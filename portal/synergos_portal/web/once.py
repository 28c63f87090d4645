"""A change that is sent twice, by a double click or a reload, is made once: each form has a token that is good for one answer."""

from __future__ import annotations

import secrets
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from hashlib import sha256
from http import HTTPStatus
from urllib.parse import quote

from flask import Flask, Response, g, make_response, redirect, request
from flask.typing import ResponseReturnValue
from werkzeug import Response as BaseResponse

from synergos_portal.web import errors
from synergos_portal.web.words import _

FIELD = "once"
_SECONDS = 3600.0
_MOST = 10_000
_LONGEST = 64
"""Characters of a token; ours have a third of that."""
PATIENCE = 4.0
"""Seconds for which a request waits for the one before: each that waits holds a thread."""
_AGAIN_SECONDS = 3
_MADE = "/choices/made"


@dataclass
class _Change:
    """A change in hand, or made.

    Attributes:
        place: where its answer leads; None where it came to nothing and may be tried again.
        is_awaited: whether somebody waits for it; there is one at most.
    """

    begun: float = field(default_factory=time.monotonic)
    ended: threading.Event = field(default_factory=threading.Event)
    place: str | None = None
    is_awaited: bool = False


class OnlyOnce:
    """Changes by token; threads of requests share them under one lock, which nobody holds while a change is made."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._changes: OrderedDict[str, _Change] = OrderedDict()

    def begin(self, token: str) -> _Change | None:
        """The change that was begun with this token before; None where this is the first."""
        with self._lock:
            self._forget()
            if (earlier := self._changes.get(token)) is not None:
                return earlier
            self._changes[token] = _Change()
            return None

    def find(self, token: str) -> _Change | None:
        """The change of a token; None where it came to nothing, or was long ago."""
        with self._lock:
            return self._changes.get(token)

    def has_ended(self, change: _Change, patience: float) -> bool:
        """Whether a change has ended, waiting for that unless somebody else does already."""
        with self._lock:
            if change.is_awaited:
                return change.ended.is_set()
            change.is_awaited = True
        try:
            return change.ended.wait(patience)
        finally:
            with self._lock:
                change.is_awaited = False

    def end(self, token: str, place: str | None) -> None:
        """Have those who wait for it be sent to a place; without one the token is good again."""
        with self._lock:
            change = self._changes.get(token)
            if change is None:
                return
            if place is None:
                del self._changes[token]
        change.place = place
        change.ended.set()

    def _forget(self) -> None:
        oldest, in_hand = time.monotonic() - _SECONDS, dict[str, _Change]()
        while self._changes:
            token, change = next(iter(self._changes.items()))
            if change.begun > oldest and len(self._changes) < _MOST:
                break
            del self._changes[token]
            # As many as the server has threads, at most; forgotten, they would be made again.
            if not change.ended.is_set():
                in_hand[token] = change
        self._changes.update(in_hand)


def install(app: Flask) -> None:
    """Have an application make each change once; to be installed after what refuses forged ones."""
    changes = OnlyOnce()

    def begin() -> ResponseReturnValue | None:
        said = request.form.get(FIELD) if request.method == "POST" else None
        if not said:
            return None
        # Whatever a browser makes of it, what is kept of each is short.
        token = said if len(said) <= _LONGEST else sha256(said.encode(errors="surrogatepass")).hexdigest()
        while (earlier := changes.begin(token)) is not None:
            if not changes.has_ended(earlier, PATIENCE):
                return _still_being_made(token)
            if earlier.place is not None:
                return redirect(earlier.place, HTTPStatus.SEE_OTHER)
        g.once = token
        return None

    def end(response: Response) -> Response:
        if token := g.pop("once", None):
            changes.end(token, response.location if response.status_code == HTTPStatus.SEE_OTHER else None)
        return response

    def give_up(_error: BaseException | None) -> None:
        # An answer that was never made: whoever waits may try.
        if token := g.pop("once", None):
            changes.end(token, None)

    def made(token: str) -> ResponseReturnValue:
        change = changes.find(token)
        if change is None:
            return _came_to_nothing()
        if change.place is None:
            return _still_being_made(token)
        return redirect(change.place, HTTPStatus.SEE_OTHER)

    app.add_url_rule(f"{_MADE}/<token>", "made", made)
    app.before_request(begin)
    app.after_request(end)
    app.teardown_request(give_up)


def _still_being_made(token: str) -> BaseResponse:
    """A page that asks again by itself until there is where the change leads; it makes nothing."""
    page = errors.page(
        HTTPStatus.SERVICE_UNAVAILABLE,
        _("This is still being made"),
        _("It was sent before, and the orchestrator has not answered yet."),
        _("Do not send it again. This page goes on by itself as soon as it is made."),
    )
    response = make_response(page)
    response.headers["Retry-After"] = str(_AGAIN_SECONDS)
    response.headers["Refresh"] = f"{_AGAIN_SECONDS}; url={_MADE}/{quote(token, safe='')}"
    return response


def _came_to_nothing() -> ResponseReturnValue:
    return errors.page(
        HTTPStatus.NOT_FOUND,
        _("Nothing is being made"),
        _("What was sent was refused, or not answered, or it was made long ago."),
        _("Look whether it is there. If it is not, send it once more."),
    )


def new_token() -> str:
    """A token that no other form has."""
    return secrets.token_urlsafe(16)
