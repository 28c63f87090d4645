"""The programs that the portal was told of when it started, as the proxy and the station know them."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Sequence

from synergos.tls.files import TlsFiles
from synergos_portal.proxy.tool import Place, Tool
from synergos_portal.settings import Settings

MLOPS, LOGS, QUEUE = "mlops", "logs", "queue"
REST = "rest"
_TITLES = {MLOPS: "MLflow", LOGS: "Graylog", QUEUE: "RabbitMQ"}
_FLAGS = {MLOPS: "--mlops", LOGS: "--logs", QUEUE: "--queue_pages"}
# By this Graylog writes the links of its pages; the others' are relative.
_PLACE_HEADERS = {LOGS: "X-Graylog-Server-URL"}
REST_PATHS = ("/ttp", "/swaggerui")
"""Of an orchestrator's interface and its documentation, whose pages have their files by the second one's very path."""


def listed_tools(settings: Settings) -> Sequence[Tool]:
    """All there are, of each orchestrator one.

    Raises:
        InvalidRequest: an address or a file is not what it is to be.
    """
    told = {MLOPS: settings.tools.mlops, LOGS: settings.tools.logs, QUEUE: settings.tools.queue_pages}
    tls = _trusting(settings)
    pages = [
        Tool(
            name,
            _TITLES[name],
            Place.read(address, _FLAGS[name]),
            prefix=f"/tools/{name}",
            login=settings.tools.logins.get(name),
            place_header=_PLACE_HEADERS.get(name),
            tls=tls,
        )
        for name, address in told.items()
        if address is not None
    ]
    return [*pages, *_interfaces(settings)]


def rest_name(orchestrator: str) -> str:
    """What the interface of an orchestrator is called."""
    return f"{REST}:{orchestrator}"


def _interfaces(settings: Settings) -> list[Tool]:
    return [
        Tool(
            rest_name(name),
            "Swagger",
            Place.read(address, "--orchestrator"),
            paths=REST_PATHS,
            front="/ttp/connect/",
            reads_only=not settings.tools.may_change,
            tls=(settings.tls or TlsFiles()).client,
        )
        for name, address in settings.orchestrators.items()
    ]


def _trusting(settings: Settings) -> Callable[[], ssl.SSLContext]:
    """How pages of other programs are asked by https: they know no certificate of this program's."""
    authority = settings.tools.authority
    return TlsFiles(authority=authority).client if authority is not None else TlsFiles().client
