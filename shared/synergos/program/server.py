"""The server a program runs in: gunicorn with one process of threads, so that all requests see the same sessions.

SIGTERM and SIGINT reach the service first (it stops the work in hand), then requests in flight are answered, then the
process ends with exit code 0.
"""

from __future__ import annotations

import errno
import os
import socket
import ssl
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import structlog
from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter

from synergos.program.browsers import Hosts, guarded
from synergos.program.loop import Loop
from synergos.program.server_process import ServerProcess
from synergos.program.system_metrics import metrics_log

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

Middleware = Callable[["WSGIApplication"], "WSGIApplication"]

log = structlog.get_logger(__name__)

GRACE_SECONDS = 30
_LEAVING_SECONDS = 5.0
"""So long a port may still belong to a program that is ending, perhaps the one this one takes the place of."""


class Service(Protocol):
    """A program as the server sees it."""

    def applications(self) -> Mapping[int, WSGIApplication]:
        """The WSGI application behind each port."""

    def stop(self) -> None:
        """Stop the work in hand; called once, when the program is asked to end. Requests in flight are still answered."""

    def close(self) -> None:
        """Let go of files and connections; called last."""


@dataclass(frozen=True)
class TlsFiles:
    """What a server shows and whom it lets in; all of them PEM files.

    Attributes:
        certificate: the server's own, with those between it and its authority.
        key: of that certificate.
        clients: the authorities whose certificates clients must show; None to let in everybody.
    """

    certificate: Path
    key: Path
    clients: Path | None = None

    def options(self) -> dict[str, Any]:
        """The same in gunicorn's words."""
        shown = {"certfile": str(self.certificate), "keyfile": str(self.key), "ssl_context": _without_tickets}
        return (
            shown if self.clients is None else {**shown, "ca_certs": str(self.clients), "cert_reqs": ssl.CERT_REQUIRED}
        )


def _without_tickets(_config: object, make: Callable[[], ssl.SSLContext]) -> ssl.SSLContext:
    """A context that sends nothing before it is asked: a session ticket would look like the beginning of an answer."""
    context = make()
    context.num_tickets = 0
    return context


def _as_it_is(application: WSGIApplication) -> WSGIApplication:
    return application


@dataclass(frozen=True)
class ServerSettings:
    """How to listen.

    Attributes:
        host: address of all ports.
        ports: the ports to listen on.
        threads: requests that are worked on at the same time; a stage request keeps one for as long as it blocks.
        keep_alive: seconds an idle connection stays open; longer than a round, so that weights need no new connection.
        metrics_seconds: how often system metrics are logged; None for never.
        tls: None for plain HTTP.
        middleware: put around the application of all ports: it sees each request first.
        linger: seconds for which the thread that has answered waits for the connection's next request itself; half of all
            threads at most do so at a time.
    """

    host: str
    ports: tuple[int, ...]
    threads: int = 64
    keep_alive: int = 3600
    linger: float = 2.0
    allowed_hosts: frozenset[str] = frozenset()
    metrics_seconds: float | None = None
    tls: TlsFiles | None = None
    middleware: Middleware = _as_it_is


class _Application(BaseApplication):  # type: ignore[misc]
    def __init__(self, build: Callable[[], Service], settings: ServerSettings) -> None:
        self.build = build
        self.settings = settings
        self.service: Service | None = None
        self.metrics: Loop | None = None
        super().__init__()

    def load_config(self) -> None:
        options: dict[str, Any] = {
            "bind": [f"{self.settings.host}:{port}" for port in self.settings.ports],
            "workers": 1,
            "threads": self.settings.threads,
            "worker_class": ServerProcess,
            "worker_connections": 1000,
            # A worker is not hung because a round takes hours.
            "timeout": 0,
            "graceful_timeout": GRACE_SECONDS,
            "keepalive": self.settings.keep_alive,
            # Several services share a home folder, and its control socket would be one.
            "control_socket_disable": True,
            "loglevel": "warning",
            "post_worker_init": lambda _worker: self._say_ready(),
            "worker_exit": lambda _server, _worker: self._close(),
            **(self.settings.tls.options() if self.settings.tls else {}),
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
        log.info("ready", host=self.settings.host, ports=list(self.settings.ports), version=version("synergos"))

    def _close(self) -> None:
        if self.metrics is not None:
            self.metrics.close()
        if self.service is not None:
            self.service.close()


def application_of(service: Service, settings: ServerSettings) -> WSGIApplication:
    """What answers all requests of a program."""
    hosts = Hosts(settings.host, settings.allowed_hosts)
    return settings.middleware(guarded(by_port(service.applications()), hosts))


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
    await_ports(settings.host, settings.ports)
    _Application(build, settings).run()


def await_ports(host: str, ports: Iterable[int], patience: float = _LEAVING_SECONDS) -> None:
    """Return when all ports can be listened on; end the program, in one line, when one cannot.

    Args:
        patience: seconds for which another program may still have one.
    """
    until = time.monotonic() + patience
    for port in ports:
        while problem := _taken(host, port):
            if problem.errno != errno.EADDRINUSE or time.monotonic() > until:
                why = "another program listens there" if problem.errno == errno.EADDRINUSE else _reason(problem)
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
