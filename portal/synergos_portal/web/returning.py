"""Whoever comes by a link from elsewhere brings no cookie, as no other site may send one; they are not to be made a stranger by that.

The answer is a page that asks for the same address once more, now from this portal, with the cookie.
"""

from __future__ import annotations

from flask import Flask, Response, request
from markupsafe import escape

from synergos_portal.web import handover
from synergos_portal.web.links import here

_PAGE = '<!doctype html><html lang="en"><meta charset="utf-8"><meta http-equiv="refresh" content="0{when}"><title>Synergos</title><a href="{address}">Synergos</a></html>'
_AGAIN = "again"


def install(app: Flask) -> None:
    """Have an application answer so."""

    def ask_again() -> Response | None:
        if request.method != "GET" or app.config["SESSION_COOKIE_NAME"] in request.cookies:
            return None
        site = request.headers.get("Sec-Fetch-Site")
        if site == "cross-site" and request.headers.get("Sec-Fetch-Mode") == "navigate":
            return _page("")
        # By plain http browsers do not say where somebody comes from; to these pages another host name of the portal leads them.
        if site is None and handover.is_led_here() and _AGAIN not in request.args:
            return _page(f"{here()}&{_AGAIN}=1")
        return None

    app.before_request(ask_again)


def _page(address: str) -> Response:
    """Have it asked at an address; at the very same where that is empty."""
    page = _PAGE.format(when=escape(f"; url={address}" if address else ""), address=escape(address))
    return Response(page, mimetype="text/html", headers={"Cache-Control": "no-store"})
