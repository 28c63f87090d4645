"""The server a program runs in: gunicorn with one process of threads, so that all requests see the same sessions.

SIGTERM and SIGINT reach the service first (it stops the work in hand), then requests in flight are answered, then the
process ends with exit code 0.
"""

from __future__ import annotations

import errno
import os
import re
import socket
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol

import structlog
from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter

from synergos.program.browsers import Hosts, guarded
from synergos.program.long_bodies import LongBodies
from synergos.program.loop import Loop
from synergos.program.open_connections import ConnectionLimits
from synergos.program.server_process import ServerProcess
from synergos.program.system_metrics import metrics_log
from synergos.tls.secured import Secured

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

Middleware = Callable[["WSGIApplication"], "WSGIApplication"]

log = structlog.get_logger(__name__)

GRACE_SECONDS = 30
_LEAVING_SECONDS = 5.0
"""So long a port may still belong to a program that is ending, perhaps the one this one takes the place of."""


_OF_PORT = (errno.EADDRINUSE, errno.EACCES)
"""What is wrong with a port, and not with the address it is at."""
_NO_FLAGS: Mapping[int, str] = MappingProxyType({})
_BODIES = 2**25
"""Bytes of long bodies that are read into memory at the same time, of all requests together."""
_URGENT = re.compile(rb"(?:GET|HEAD) (?:/ttp)?/health[ ?]|POST /[^ ?]*/(?:cancel|stop)/?[ ?]")


class Service(Protocol):
    """A program as the server sees it."""

    def applications(self) -> Mapping[int, WSGIApplication]:
        """The WSGI application behind each port."""

    def stop(self) -> None:
        """Stop the work in hand; called once, when the program is asked to end. Requests in flight are still answered."""

    def close(self) -> None:
        """Let go of files and connections; called last."""


def _as_it_is(application: WSGIApplication) -> WSGIApplication:
    return application


@dataclass(frozen=True)
class ServerSettings:
    """How to listen.

    Attributes:
        host: address of all ports.
        ports: the ports to listen on.
        threads: requests that are worked on at the same time at each port; see :mod:`synergos.program.answering`.
        keep_alive: seconds for which the connection of somebody who comes back stays open while it is idle; longer than a
            round, so that weights need no new connection.
        idle_seconds: the same for all others.
        request_seconds: within which a handshake is made, and within which a request is there, apart from a long body.
        maximum_body: bytes of a request at the first port.
        connections: how many may be open.
        metrics_seconds: how often system metrics are logged; None for never.
        tls: by which all ports speak TLS; None for plain HTTP.
        middleware: put around the application of all ports: it sees each request first.
        flags: by which flag of the command line each port is said, for whoever has to say another.
        listens: whether anything is listened on; where nothing is, all connections are made by the service (:class:`Dialling`),
            and ports only tell apart what they are for.
        linger: seconds for which the thread that has answered waits for the connection's next request itself: a round's
            requests come one after the other, and waking up two threads for each takes as long as the rest of it.
    """

    host: str
    ports: tuple[int, ...]
    threads: int = 64
    keep_alive: float = 3600.0
    idle_seconds: float = 75.0
    request_seconds: float = 10.0
    maximum_body: int = 8 * 2**20
    connections: ConnectionLimits = field(default_factory=ConnectionLimits)
    linger: float = 2.0
    allowed_hosts: frozenset[str] = frozenset()
    metrics_seconds: float | None = None
    tls: Secured | None = None
    middleware: Middleware = _as_it_is
    flags: Mapping[int, str] = field(default_factory=dict)
    listens: bool = True

    def connections_within(self, most: int) -> ConnectionLimits:
        """How many connections may be open where the system lets a process have so many."""
        return replace(self.connections, in_all=min(self.connections.in_all, most))

    @property
    def waiting(self) -> int:
        """How many threads of a port may wait for something that has to end before they can answer."""
        return max(1, self.threads // 2)

    @property
    def watching(self) -> int:
        """How many of those may wait for whatever happens: whoever asked for something that takes long has the others."""
        return self.waiting // 2

    @property
    def slow_answers(self) -> int:
        """How many threads of a port may wait for an answer to be taken, of those who are not known to come back."""
        return max(1, self.threads // 4)

    def lingering(self, port: int) -> int:
        """How many threads of a port may wait for the next request of a connection; rounds come by any but the first one."""
        return max(1, self.threads // (8 if port == self.ports[0] else 2))

    def long_bodies(self, port: int) -> LongBodies:
        """The places for requests with long bodies at a port.

        At the first one bodies are read into memory as a whole; at the others who may send how much is known before.
        """
        is_first = port == self.ports[0]
        return LongBodies(
            max(1, self.threads // (4 if is_first else 2)), _BODIES if is_first else None, self.maximum_body
        )

    def is_urgent(self, line: bytes) -> bool:
        """Whether a request, by its first line, has to be answered whatever all others do."""
        return _URGENT.match(line) is not None


class _Application(BaseApplication):  # type: ignore[misc]
    def __init__(self, build: Callable[[], Service], settings: ServerSettings) -> None:
        self.build = build
        self.settings = settings
        self.service: Service | None = None
        self.metrics: Loop | None = None
        super().__init__()

    def load_config(self) -> None:
        options: dict[str, object] = {
            "bind": [f"{self.settings.host}:{port}" for port in self.settings.ports if self.settings.listens],
            "workers": 1,
            "threads": self.settings.threads,
            "worker_class": ServerProcess,
            # A worker is not hung because a round takes hours.
            "timeout": 0,
            "graceful_timeout": GRACE_SECONDS,
            # Several services share a home folder, and its control socket would be one.
            "control_socket_disable": True,
            # What is chosen from much is named in an address; gunicorn takes no longer ones.
            "limit_request_line": 8190,
            "loglevel": "warning",
            "post_worker_init": lambda _worker: self._say_ready(),
            "worker_exit": lambda _server, _worker: self._close(),
            **_told_of(self.settings.tls),
        }
        for name, value in options.items():
            self.cfg.set(name, value)

    def load(self) -> WSGIApplication:
        try:
            self.service = self.build()
        except Exception as error:
            log.error("cannot start", reason=f"{type(error).__name__}: {error}")
            log.debug("cannot start", exc_info=error)
            # The code by which a worker tells gunicorn not to try again.
            sys.exit(Arbiter.WORKER_BOOT_ERROR)
        if self.settings.metrics_seconds:
            self.metrics = metrics_log(self.settings.metrics_seconds)
            self.metrics.start()
        return application_of(self.service, self.settings)

    def _say_ready(self) -> None:
        """Log where the program listens: the ports are open and the service is there, and requests are taken from now on."""
        where = {"host": self.settings.host, "ports": list(self.settings.ports)} if self.settings.listens else {}
        log.info("ready", **where, version=version("synergos"))

    def _close(self) -> None:
        if self.metrics is not None:
            self.metrics.close()
        if self.service is not None:
            self.service.close()


def _told_of(tls: Secured | None) -> dict[str, str]:
    """What gunicorn is told, which takes requests for https ones then; the handshakes are ours."""
    if tls is None:
        return {}
    return {"certfile": str(tls.files.certificate), "keyfile": str(tls.files.key)}


def application_of(service: Service, settings: ServerSettings) -> WSGIApplication:
    """What answers all requests of a program."""
    application = by_port(service.applications())
    if settings.listens:
        application = guarded(application, Hosts(settings.host, settings.allowed_hosts))
    # No web page reaches a program that listens nowhere, by whatever name.
    return settings.middleware(application)


def by_port(applications: Mapping[int, WSGIApplication]) -> WSGIApplication:
    """One application that hands each request to the one behind the port it came in by."""

    def dispatch(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        return applications[int(environ["SERVER_PORT"])](environ, start_response)

    return dispatch


def serve(build: Callable[[], Service], settings: ServerSettings) -> None:
    """Serve until SIGTERM or SIGINT; does not return.

    Args:
        build: makes the service, in the process that serves it.
        settings: where to listen.
    """
    if settings.listens:
        await_ports(settings.host, settings.ports, settings.flags)
    _Application(build, settings).run()


def await_ports(
    host: str, ports: Iterable[int], flags: Mapping[int, str] = _NO_FLAGS, patience: float = _LEAVING_SECONDS
) -> None:
    """Return when all ports can be listened on; end the program, in one line, when one cannot.

    Args:
        flags: by which each port is said; named where another one would do.
        patience: seconds for which another program may still have one.
    """
    until = time.monotonic() + patience
    for port in ports:
        while problem := _taken(host, port):
            if problem.errno != errno.EADDRINUSE or time.monotonic() > until:
                why = "another program listens there" if problem.errno == errno.EADDRINUSE else _reason(problem)
                if flag := flags.get(port):
                    why = f"{why}; another is said by {flag if problem.errno in _OF_PORT else '--host'}"
                log.error("cannot start", reason=f"cannot listen at {host}:{port}: {why}")
                sys.exit(1)
            time.sleep(0.1)


def _taken(host: str, port: int) -> OSError | None:
    """Why a port cannot be listened on, None where it can."""
    try:
        socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET).close()
    except OSError as error:
        return error
    return None


def _reason(problem: OSError) -> str | None:
    """What the operating system says, without what Python adds to it; names that nobody knows have no number there."""
    return problem.strerror if isinstance(problem, socket.gaierror) else os.strerror(problem.errno or 0)
