"""Whoever comes by a link from elsewhere brings no cookie, as no other site may send one; they are not to be made a stranger by that.

The answer is a page that asks for the same address once more, now from this portal, with the cookie. It is shown for reading
alone, and tells nothing; whoever sends a change from elsewhere still has neither cookie nor token.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Flask, redirect, request
from markupsafe import escape
from werkzeug import Response

from synergos_portal.web import handover
from synergos_portal.web.links import here

_PAGE = '<!doctype html><html lang="en"><meta charset="utf-8"><meta http-equiv="refresh" content="0{when}"><title>Synergos</title><a href="{address}">Synergos</a></html>'
_AGAIN = "again"


def install(app: Flask) -> None:
    """Have an application answer so."""

    def ask_again() -> Response | None:
        if request.method != "GET":
            return None
        asked = here()
        if app.config["SESSION_COOKIE_NAME"] in request.cookies:
            plain = asked.removesuffix(f"&{_AGAIN}=1").removesuffix(f"?{_AGAIN}=1")
            return None if plain == asked or handover.is_led_here() else redirect(plain, 303)
        site = request.headers.get("Sec-Fetch-Site")
        if site == "cross-site" and request.headers.get("Sec-Fetch-Mode") == "navigate":
            return _page("")
        if site is None and _AGAIN not in request.args and (handover.is_led_here() or _may_be_led_here()):
            return _page(f"{asked}{'&' if '?' in asked else '?'}{_AGAIN}=1")
        return None

    app.before_request(ask_again)


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
