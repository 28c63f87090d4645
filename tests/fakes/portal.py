"""The portal in this process, in front of orchestrators in this process: no port is opened."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
from flask import Flask
from requests.adapters import BaseAdapter
from urllib3 import HTTPResponse
from werkzeug.test import Client, TestResponse

from support.made_once import TemplateCode
from synergos.driver.transport import Transport
from synergos.program.program import ProgramSettings
from synergos_portal.orchestrator.client import Orchestrator
from synergos_portal.pages import FAMILIES
from synergos_portal.program import Track
from synergos_portal.services import FIRST_PORT, Place, Service
from synergos_portal.settings import Settings, Tools
from synergos_portal.web.app import PortalParts, create_app
from synergos_portal.web.current import KnownOrchestrators

KEY = b"the key of sessions in tests....."
_TEMPLATES = TemplateCode()


class InProcess(BaseAdapter):
    """Hands requests to a WSGI application, and remembers them.

    Attributes:
        asked: method and path with its query of each.
        away: have every request fail as if nobody listened.
    """

    def __init__(self, application: Any) -> None:
        super().__init__()
        self._client = Client(application)
        self.asked: list[str] = []
        self.headers: list[Mapping[str, str]] = []
        self.away = False

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        parts = urlsplit(request.url or "")
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        self.asked.append(f"{request.method} {target}")
        self.headers.append(dict(request.headers))
        if self.away:
            raise requests.ConnectionError("nobody listens")
        # What is compressed the library reads off a connection, of which there is none here.
        left_out = ("content-length", "accept-encoding")
        sent = {name: value for name, value in request.headers.items() if name.lower() not in left_out}
        answer = self._client.open(target, method=request.method or "GET", headers=sent, data=request.body)
        response = requests.Response()
        response.status_code = answer.status_code
        response.headers.update(dict(answer.headers))
        # It is unpacked where it is read, as what comes by a connection is.
        response.raw = HTTPResponse(BytesIO(answer.data), dict(answer.headers), preload_content=False)
        answer.close()
        response.url = request.url or ""
        response.request = request
        return response

    def close(self) -> None:
        pass


def answering(*answers: tuple[str, int, Mapping[str, Any]], otherwise: int = 404) -> Flask:
    """An orchestrator that says what it is told to: ``("GET /ttp/jobs", 200, {"data": […]})``, whatever the query."""
    app = Flask("canned")
    told = {request: (status, body) for request, status, body in answers}

    @app.route("/", defaults={"path": ""}, methods=["GET", "POST", "PUT", "DELETE"])
    @app.route("/<path:path>", methods=["GET", "POST", "PUT", "DELETE"])
    def answer(path: str) -> Any:
        from flask import request

        status, body = told.get(f"{request.method} /{path}", (otherwise, {"message": "there is no such thing"}))
        return {"apiVersion": "0.1.0", "success": int(status < 400), "status": status, **body}, status

    return app


class Apps(Mapping[Service, Flask]):
    """The three services, each built when it is first looked at: most tests look at one."""

    def __init__(self, parts: PortalParts, families: Sequence[Any]) -> None:
        self._parts, self._families = parts, families
        self._made: dict[Service, Flask] = {}

    def __getitem__(self, service: Service) -> Flask:
        if service not in self._made:
            app = self._made[service] = create_app(service, self._parts, self._families)
            app.jinja_env.bytecode_cache = _TEMPLATES
            if service is Service.TRACK:
                # Nothing is listed: a program's pages are asked for over a network.
                Track(app, [])
        return self._made[service]

    def __iter__(self) -> Iterator[Service]:
        return iter(Service)

    def __len__(self) -> int:
        return len(Service)


@dataclass
class Portal:
    """All three services and whom they ask.

    Attributes:
        adapters: by the orchestrator's name.
        apps: by service.
    """

    adapters: Mapping[str, InProcess]
    apps: Mapping[Service, Flask]

    @property
    def asked(self) -> list[str]:
        """What the first orchestrator was asked."""
        return next(iter(self.adapters.values())).asked

    def visitor(self, service: Service = Service.VIEW, **headers: str) -> Visitor:
        """A browser at a service."""
        return Visitor(self.apps[service], headers)


class Visitor:
    """A browser at one service: it keeps cookies, and sends forms as they are shown."""

    def __init__(self, app: Flask, headers: Mapping[str, str]) -> None:
        self.client = app.test_client()
        self._headers = dict(headers)

    def get(self, path: str, **headers: str) -> TestResponse:
        """Read a page."""
        return self.client.get(path, headers={**self._headers, **_named(headers)})

    def send(self, path: str, values: Mapping[str, Any] = {}, *, to: str | None = None, **headers: str) -> TestResponse:
        """Read the page of a form, and send it with these values.

        Args:
            to: where the form is sent, if that is not its own page.
        """
        tokens = tokens_of(self.get(path).text)
        return self.post(to or path, {**tokens, **values}, **headers)

    def post(self, path: str, values: Mapping[str, Any], **headers: str) -> TestResponse:
        """Send values, with nothing added."""
        told = {"Sec-Fetch-Site": "same-origin", **self._headers, **_named(headers)}
        return self.client.post(path, data=dict(values), headers={n: v for n, v in told.items() if v})


def tokens_of(page: str) -> dict[str, str]:
    """The hidden fields of the last form of a page."""
    found = re.findall(r'<input type="hidden" name="(csrf_token|once)" value="([^"]*)">', page)
    return dict(found)


def portal(
    folder: Path,
    orchestrators: Mapping[str, Any] | Any,
    *,
    tools: Tools = Tools(),  # noqa: B008 - it is frozen
    places: Mapping[Service, Place] | None = None,
    families: Sequence[Any] = FAMILIES,
    health: Callable[[], Mapping[str, object]] = lambda: {"status": "ok"},
) -> Portal:
    """The portal in front of orchestrators.

    Args:
        orchestrators: WSGI applications by name, or a single one.
    """
    named = orchestrators if isinstance(orchestrators, Mapping) else {"orchestrator": orchestrators}
    adapters = {name: InProcess(app) for name, app in named.items()}
    settings = Settings(
        program=ProgramSettings("portal", "127.0.0.1", FIRST_PORT),
        listening={service: FIRST_PORT + after for after, service in enumerate(Service)},
        places=places or {service: Place(FIRST_PORT + after) for after, service in enumerate(Service)},
        orchestrators={name: f"http://{name}.example" for name in named},
        outputs=folder,
        tools=tools,
    )
    known = KnownOrchestrators({name: _reached_by(name, adapter) for name, adapter in adapters.items()})
    return Portal(adapters, Apps(PortalParts(settings, known, KEY, health), families))


def _reached_by(name: str, adapter: InProcess) -> Orchestrator:
    transport = Transport(f"http://{name}.example")
    transport._session.mount("http://", adapter)
    return Orchestrator(name, transport)


def _named(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}
