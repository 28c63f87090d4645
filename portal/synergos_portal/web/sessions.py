"""What is remembered of a browser: a signed cookie that no script can read, and that no other site can send.

Whoever comes by a link from elsewhere brings none, and is not to be made a stranger by that: a page asks for the same address once
more, now from this portal; for reading alone. As cookies are shared by ports, and the station shows pages of other programs at one of
them, the token of a session does not suffice for a change: what the browser says of its page is looked at, too.
"""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from flask import Flask, current_app, redirect, request
from flask.sessions import SecureCookieSessionInterface
from flask_wtf.csrf import CSRFError, CSRFProtect
from itsdangerous import URLSafeTimedSerializer
from markupsafe import escape
from werkzeug import Response
from werkzeug.exceptions import Forbidden

from synergos_portal.web import handover
from synergos_portal.web.links import here
from synergos_portal.web.words import _

COOKIE = "synergos_portal"
SECURED_COOKIE = f"__Host-{COOKIE}"
"""By https: browsers take it for all paths of this host alone, so no script sets one for some path that would be sent before it."""
HOURS = 12
_KEY = "session.key"
_BYTES = 32
_PAGE = '<!doctype html><html lang="en"><meta charset="utf-8"><meta http-equiv="refresh" content="0{when}"><title>Synergos</title><a href="{address}">Synergos</a></html>'
_AGAIN = "again"
_READING = frozenset({"GET", "HEAD", "OPTIONS"})


def install(app: Flask, key: bytes, *, is_secured: bool) -> None:
    """Have an application sign its cookie with a key, and refuse forged changes before it looks at anything else of them.

    Args:
        is_secured: browsers reach the portal by https, and the cookie is sent by nothing else.
    """
    app.secret_key = key
    app.session_interface = _Sessions()
    app.config.update(
        SESSION_COOKIE_NAME=SECURED_COOKIE if is_secured else COOKIE,
        SESSION_COOKIE_PATH="/",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Strict",
        SESSION_COOKIE_SECURE=is_secured,
        PERMANENT_SESSION_LIFETIME=HOURS * 3600,
        # Where a request comes from is looked at below, by https or not; a token is good as long as its session.
        WTF_CSRF_TIME_LIMIT=None,
        WTF_CSRF_SSL_STRICT=False,
        WTF_CSRF_CHECK_DEFAULT=True,
    )
    app.before_request(_ask_again)
    app.before_request(_check_origin)
    CSRFProtect(app)


class _Sessions(SecureCookieSessionInterface):
    """Reads and signs all cookies by what is made once: the key of an application stays the same."""

    def __init__(self) -> None:
        self._serializer: URLSafeTimedSerializer | None = None

    def get_signing_serializer(self, app: Flask) -> URLSafeTimedSerializer | None:
        """What reads and signs them."""
        if self._serializer is None:
            self._serializer = super().get_signing_serializer(app)
        return self._serializer


def key_in(folder: Path) -> bytes:
    """The key for the three services, the same after a restart, in a folder that they share; made where there is none."""
    path = folder / _KEY
    made = folder / f"{_KEY}.{secrets.token_hex(8)}"
    if not path.is_file():
        descriptor = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(_BYTES))
        # A link is made by one of those who start at the same time, and no file is ever seen half written.
        with suppress(FileExistsError):
            os.link(made, path)
        made.unlink()
    key = path.read_bytes()
    if len(key) < _BYTES:
        raise ValueError(f"{path}: not a key of sessions; remove it, and one is made")
    return key


class Forged(Forbidden):
    """A change that no page of this service has asked for."""


def is_forgery(error: Exception) -> bool:
    """Whether a request was refused because no page of this service has asked for it."""
    return isinstance(error, Forged | CSRFError)


def _check_origin() -> None:
    """Refuse what another origin has sent.

    Raises:
        Forged: it has, or nothing says that it has not.
    """
    if request.method in _READING:
        return
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        same = site.strip().lower() == "same-origin"
    else:
        # By plain http browsers say it to this machine's own address only; every change has its origin all the same.
        same = urlsplit(request.headers.get("Origin", "")).netloc.lower() == request.host.lower()
    if not same:
        raise Forged(_("This was not asked for by a page of this portal, so nothing was changed."))


def _ask_again() -> Response | None:
    """Whoever comes from elsewhere without a cookie asks once more from here."""
    if request.method != "GET":
        return None
    asked = here()
    if current_app.config["SESSION_COOKIE_NAME"] in request.cookies:
        plain = asked.removesuffix(f"&{_AGAIN}=1").removesuffix(f"?{_AGAIN}=1")
        return None if plain == asked or handover.is_led_here() else redirect(plain, 303)
    site = request.headers.get("Sec-Fetch-Site")
    if site == "cross-site" and request.headers.get("Sec-Fetch-Mode") == "navigate":
        return _page("")
    if site is None and _AGAIN not in request.args and (handover.is_led_here() or _may_be_led_here()):
        return _page(f"{asked}{'&' if '?' in asked else '?'}{_AGAIN}=1")
    return None


def _may_be_led_here() -> bool:
    """Whether a browser goes to a page from another site, as far as is known: by plain http browsers do not say where somebody comes from.

    They do say that it is a page they go to, and which of this portal's own pages has led there.
    """
    is_page = request.headers.get("Upgrade-Insecure-Requests") == "1"
    return is_page and urlsplit(request.headers.get("Referer", "")).netloc != request.host


def _page(address: str) -> Response:
    """Have it asked at an address; at the very same where that is empty."""
    page = _PAGE.format(when=escape(f"; url={address}" if address else ""), address=escape(address))
    return Response(page, mimetype="text/html", headers={"Cache-Control": "no-store"})
