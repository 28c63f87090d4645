"""Requests that came by https, whatever they were passed on by: behind a proxy that ends TLS, pages and cookies are those of https."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


def by_https(application: WSGIApplication) -> WSGIApplication:
    """The same application, whose requests are all taken to have come so: by what it was told, not by what a request says."""

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        return application({**environ, "wsgi.url_scheme": "https"}, start_response)

    return answer
