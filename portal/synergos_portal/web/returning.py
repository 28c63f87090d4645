"""Whoever comes by a link from elsewhere brings no cookie, as no other site may send one; they are not to be made a stranger by that.

The answer is a page that asks for the same address once more, now from this portal, with the cookie.
"""

from __future__ import annotations

from flask import Flask, Response, request

_PAGE = '<!doctype html><html lang="en"><meta charset="utf-8"><meta http-equiv="refresh" content="0"><title>Synergos</title><a href="">Synergos</a></html>'


def install(app: Flask) -> None:
    """Have an application answer so."""

    def ask_again() -> Response | None:
        came_by_link = (
            request.method == "GET"
            and request.headers.get("Sec-Fetch-Site") == "cross-site"
            and request.headers.get("Sec-Fetch-Mode") == "navigate"
        )
        if not came_by_link or app.config["SESSION_COOKIE_NAME"] in request.cookies:
            return None
        return Response(_PAGE, mimetype="text/html", headers={"Cache-Control": "no-store"})

    app.before_request(ask_again)
