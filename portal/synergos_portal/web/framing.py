"""Pages of view in windows of the station: they have neither header nor menu there, as the station around them has."""

from __future__ import annotations

from flask import Flask, Response, request

from synergos_portal.services import Service
from synergos_portal.web import current

_DESTINATION = "Sec-Fetch-Dest"
"""By it a browser says what it asks for, and no script of a page can. Without it a page is whole."""


def install(app: Flask) -> None:
    """Have pages of an application know by ``is_framed()``, and caches that it matters."""

    def vary(response: Response) -> Response:
        if current.service() is Service.VIEW and response.mimetype == "text/html":
            response.vary.add(_DESTINATION)
        return response

    app.after_request(vary)
    app.jinja_env.globals.update(is_framed=is_framed)


def is_framed() -> bool:
    """Whether the page that is asked for is shown in a window of the station, the only place where one of view may be framed."""
    return current.service() is Service.VIEW and request.headers.get(_DESTINATION) == "iframe"
