"""Whether a change was asked for by a page of this very service: a token of the session, and what the browser says of its page.

Cookies are shared by ports, and the station shows pages of other programs at one of them; so the token alone is not enough.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Flask, request
from flask_wtf.csrf import CSRFError, CSRFProtect
from werkzeug.exceptions import Forbidden

from synergos_portal.web.words import _

_READING = frozenset({"GET", "HEAD", "OPTIONS"})


class Forged(Forbidden):
    """A change that no page of this service has asked for."""


def install(app: Flask) -> None:
    """Have an application refuse such changes, before it looks at anything else of them."""
    # Where a request comes from is looked at below, by https or not; a token is good as long as its session.
    app.config.update(WTF_CSRF_TIME_LIMIT=None, WTF_CSRF_SSL_STRICT=False, WTF_CSRF_CHECK_DEFAULT=True)
    app.before_request(_check_origin)
    CSRFProtect(app)


def is_forgery(error: Exception) -> bool:
    """Whether a request was refused because of it."""
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
