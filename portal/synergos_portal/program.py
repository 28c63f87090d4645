"""Wires the portal together; everything it talks to is made here and passed on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from synergos.driver.tls import Tls
from synergos.program import freed_memory
from synergos.program.health import health
from synergos.program.health_watch import FolderCheck, HealthWatch
from synergos_portal.orchestrator.known import KnownOrchestrators
from synergos_portal.pages import FAMILIES
from synergos_portal.pages.status import Beside
from synergos_portal.services import Service
from synergos_portal.settings import Settings
from synergos_portal.tools import listed_tools
from synergos_portal.track import Track
from synergos_portal.web import live
from synergos_portal.web.app import PortalParts, create_app
from synergos_portal.web.sessions import key_in

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


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
