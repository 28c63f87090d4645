"""Track: the Command Station, and before it the pages of other programs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from flask import Flask

from synergos_portal.pages.station import admission, troubles
from synergos_portal.pages.station.windows import Shown
from synergos_portal.proxy.forwarding import Proxy
from synergos_portal.proxy.tool import Tool
from synergos_portal.proxy.trouble import Trouble
from synergos_portal.tools import rest_name
from synergos_portal.web import current

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_OUR_COOKIES = ("synergos_", "__host-synergos_")


class Track:
    """The application of this service.

    Args:
        app: the pages of our own.
        tools: the programs whose pages are shown.
    """

    def __init__(self, app: Flask, tools: Sequence[Tool]) -> None:
        self._app = app
        self._shown = Shown(tools)
        self._shown.install(app)
        app.register_error_handler(Trouble, troubles.answer)
        self._proxy = Proxy(tools, app, self._say, is_ours, admit=self._admit, choose=self._choose)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        return self._proxy(environ, start_response)

    def close(self) -> None:
        """Let connections go."""
        self._proxy.close()
        self._shown.close()

    def _say(self, environ: WSGIEnvironment, start_response: StartResponse, trouble: Trouble) -> Iterable[bytes]:
        with self._app.request_context(environ):
            response = self._app.process_response(troubles.answer(trouble))
            return response(environ, start_response)

    def _admit(self, environ: WSGIEnvironment, tool: Tool) -> None:
        if not admission.is_interface(tool):
            with self._app.request_context(environ):
                admission.admit(tool)

    def _choose(self, environ: WSGIEnvironment, tools: Sequence[Tool]) -> Tool:
        """The interface of the orchestrator that whoever asks has chosen."""
        with self._app.request_context(environ):
            name = rest_name(current.orchestrator().name)
        return next((tool for tool in tools if tool.name == name), tools[0])


def is_ours(cookie: str) -> bool:
    """Whether a cookie of this name is the portal's own, or one that could be taken for it."""
    return cookie.casefold().startswith(_OUR_COOKIES)
