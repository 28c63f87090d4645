"""Each port has an application of its own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from werkzeug.test import Client

from synergos.program.server import by_port

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


def saying(text: bytes) -> WSGIApplication:
    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [text]

    return application


def test_a_request_reaches_the_application_behind_its_port() -> None:
    client = Client(by_port({5000: saying(b"commands"), 8020: saying(b"weights")}))

    answers = [client.get("/", base_url=f"http://localhost:{port}").data for port in (5000, 8020)]

    assert answers == [b"commands", b"weights"]
