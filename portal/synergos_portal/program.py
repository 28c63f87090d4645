"""Wires the portal together; everything it talks to is made here and passed on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from flask import Flask

from synergos.driver.tls import Tls
from synergos.program import freed_memory
from synergos.program.health import health
from synergos.program.health_watch import FolderCheck, HealthWatch
from synergos_portal.pages import FAMILIES
from synergos_portal.pages.station import Shown, programs
from synergos_portal.pages.station.programs import listed_tools, rest_name
from synergos_portal.pages.status import Beside
from synergos_portal.proxy.forwarding import Proxy
from synergos_portal.proxy.tool import Tool, Trouble
from synergos_portal.services import Service
from synergos_portal.settings import Settings
from synergos_portal.web import current, live
from synergos_portal.web.app import PortalParts, create_app
from synergos_portal.web.current import KnownOrchestrators
from synergos_portal.web.sessions import key_in

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_OUR_COOKIES = ("synergos_", "__host-synergos_")


class Portal:
    """The portal as the server sees it."""

    def __init__(self, settings: Settings) -> None:
        # Before there are threads.
        freed_memory.share()
        self._settings = settings
        self._known = KnownOrchestrators.at(settings.orchestrators, _tls(settings))
        self._health = HealthWatch({"outputs": FolderCheck(settings.outputs), **settings.program.certificate_checks})
        parts = PortalParts(
            settings=settings,
            known=self._known,
            key=key_in(settings.outputs),
            health=lambda: health("portal", settings.program.id, self._health.problems()),
        )
        apps = {service: create_app(service, parts, FAMILIES) for service in settings.listening}
        self._pages = {settings.listening[service]: app for service, app in apps.items()}
        self._beside: Beside | None = None
        if Service.NAV in apps:
            self._beside = Beside(listed_tools(settings), is_station_here=Service.TRACK in apps)
            self._beside.install(apps[Service.NAV])
        self._track = Track(apps[Service.TRACK], listed_tools(settings)) if Service.TRACK in apps else None
        self._apps: dict[int, WSGIApplication] = {settings.listening[service]: app for service, app in apps.items()}
        if self._track is not None:
            self._apps[settings.listening[Service.TRACK]] = self._track
        for service, port in settings.listening.items():
            if settings.places[service].is_secured:
                self._apps[port] = by_https(self._apps[port])
        self._health.start()
        # Templates and words have been read, and what that took is not needed again.
        freed_memory.give_back()

    def applications(self) -> Mapping[int, WSGIApplication]:
        """The pages of each service."""
        return self._apps

    def by_heart(self, port: int, client: str, request: bytes) -> bytes | None:
        """What is answered to a live part that is asked for again, see :class:`synergos.program.by_heart.ByHeart`."""
        return live.by_heart(self._pages[port], client, request)

    def stop(self) -> None:
        """Nothing is in hand but requests, which are answered."""

    def close(self) -> None:
        """Let connections go."""
        self._health.close()
        if self._track is not None:
            self._track.close()
        if self._beside is not None:
            self._beside.close()
        self._known.close()


def _tls(settings: Settings) -> Tls | None:
    """Whom to believe who is an orchestrator, and what to show it."""
    files = settings.tls
    return None if files is None else Tls(files.authority, files.certificate, files.key)


def by_https(application: WSGIApplication) -> WSGIApplication:
    """The same application, whose requests are all taken to have come so: by what it was told, not by what a request says."""

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        return application({**environ, "wsgi.url_scheme": "https"}, start_response)

    return answer


class Track:
    """The Command Station, and before it the pages of other programs, as one application."""

    def __init__(self, app: Flask, tools: Sequence[Tool]) -> None:
        self._app = app
        self._shown = Shown(tools)
        self._shown.install(app)
        app.register_error_handler(Trouble, programs.answer)
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
            response = self._app.process_response(programs.answer(trouble))
            return response(environ, start_response)

    def _admit(self, environ: WSGIEnvironment, tool: Tool) -> None:
        if not programs.is_interface(tool):
            with self._app.request_context(environ):
                programs.admit(tool)

    def _choose(self, environ: WSGIEnvironment, tools: Sequence[Tool]) -> Tool:
        """The interface of the orchestrator that whoever asks has chosen."""
        with self._app.request_context(environ):
            name = rest_name(current.orchestrator().name)
        return next((tool for tool in tools if tool.name == name), tools[0])


def is_ours(cookie: str) -> bool:
    """Whether a cookie of this name is the portal's own, or one that could be taken for it."""
    return cookie.casefold().startswith(_OUR_COOKIES)
