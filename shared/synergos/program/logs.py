"""Log messages: facts with ids, on standard error and in Graylog; never a participant's data.

Every line says which program it comes from, and whom it is about: see :mod:`synergos.program.log_context`. Libraries that
log by :mod:`logging` come out the same way. On a terminal lines are for people, elsewhere they are JSON, one object a line.
"""

from __future__ import annotations

import logging
import socket
import ssl
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog
from structlog.typing import EventDict

from synergos.errors import InvalidRequest
from synergos.gelf import HOST, Delivery, Destination, GelfHandler, Sender, Spool, Transport, message
from synergos.program import system_metrics
from synergos.program.censoring import Censor
from synergos.program.failures import WithoutTracebacks, without_tracebacks

SYSTEM_METRICS_PORT = 9100
"""Where the content pack's input for system metrics listens."""
SPOOL_BYTES = 64 * 2**20
_PREFIXES = {"director": "DIR", "ttp": "TTP", "worker": "WKR"}
_METRICS_PREFIX = "SYS"
_MESSAGES, _METRICS = "messages", "metrics"
_CHATTY = ("alembic", "gunicorn", "matplotlib", "mlflow", "urllib3")


@dataclass(frozen=True)
class LogTarget:
    """Where log messages go: standard error, or GELF inputs of a Graylog server as well.

    Attributes:
        graylog: host and port of the input for what programs log.
        metrics_port: of the input for system metrics on the same host.
        authority: a PEM file of who vouches for the server, by TLS; None for whom the system trusts.
        spool: the folder in which messages wait for a server that is away.
        capacity: bytes that may wait there, of either kind.
    """

    graylog: tuple[str, int] | None = None
    metrics_port: int = SYSTEM_METRICS_PORT
    transport: Transport = Transport.TCP
    authority: Path | None = None
    spool: Path = Path("synergos-run") / "log_spool"
    capacity: int = SPOOL_BYTES

    @classmethod
    def from_flag(cls, value: Sequence[str]) -> LogTarget:
        """Read ``basic`` or ``graylog HOST PORT [SYSMETRIC_PORT]``.

        Raises:
            InvalidRequest: it is neither.
        """
        match list(value):
            case ["basic", *_]:
                return cls()
            case ["graylog", host, port] if _is_port(port):
                return cls((host, int(port)))
            case ["graylog", host, port, metrics_port] if _is_port(port) and _is_port(metrics_port):
                return cls((host, int(port)), int(metrics_port))
            case _:
                raise InvalidRequest(
                    f"{' '.join(value)!r} is not a log target: expected 'basic' or 'graylog HOST PORT [SYSMETRIC_PORT]', "
                    "ports from 1 to 65535",
                    "--logging_variant",
                )

    def check(self) -> None:
        """See that messages could be sent there.

        Raises:
            InvalidRequest: the host has no address, or there is no file of authorities, or it is of no use; names the flag.
        """
        if self.graylog is None:
            return
        try:
            socket.getaddrinfo(*self.graylog, type=socket.SOCK_STREAM)
        except OSError:
            raise InvalidRequest(f"the host {self.graylog[0]!r} has no address", "--logging_variant") from None
        if self.authority is None:
            return
        if not self.authority.is_file():
            raise InvalidRequest(f"there is no file {self.authority}", "--logging_ca")
        if self.transport is not Transport.TLS:
            raise InvalidRequest("it vouches for a server by TLS: expected --logging_transport tls", "--logging_ca")
        try:
            ssl.create_default_context(cafile=self.authority)
        except OSError:
            raise InvalidRequest(
                f"{self.authority} has no certificates in PEM that can be read", "--logging_ca"
            ) from None


def configure_logging(
    component_id: str,
    target: LogTarget,
    *,
    component: str = "",
    debug: bool = False,
    censored: bool = False,
    shows_metrics: bool = False,
) -> None:
    """Send the log messages of this process to ``target``; called once, by a program's main module.

    Args:
        component: which program it is: ``director``, ``ttp`` or ``worker``; streams are told apart by it.
        shows_metrics: system metrics are written to standard error, too.
    """
    censor = Censor() if censored else None
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        _Component(component_id),
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.stdlib.ExtraAdder(),
        without_tracebacks,
        *([_call_site()] if debug else []),
        *([censor] if censor else []),
    ]
    machine = censor.host(HOST) if censor else HOST
    structlog.configure(
        processors=[
            # First of all: small rounds should not be busy with lines that nobody asked for.
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    own = _handler(logging.StreamHandler(sys.stderr), _for_people() if sys.stderr.isatty() else _as_json, shared)
    name = f"{_PREFIXES.get(component, 'SYN')}_{component_id}"
    root, metrics = logging.getLogger(), logging.getLogger(system_metrics.LOGGER)
    root.handlers = [own, *_graylog(target, _MESSAGES, name, machine, shared)]
    metrics.handlers = [*([own] if shows_metrics else []), *_graylog(target, _METRICS, name, machine, shared)]
    metrics.propagate = False
    root.setLevel(logging.DEBUG if debug else logging.INFO)
    for chatty in _CHATTY:
        logging.getLogger(chatty).setLevel(logging.WARNING)
    # A broker that is away is worth a line, which synmanager writes; pika would add a traceback to each attempt.
    logging.getLogger("pika").setLevel(logging.CRITICAL)


def _graylog(target: LogTarget, kind: str, name: str, machine: str, shared: Sequence[Any]) -> list[logging.Handler]:
    """What sends records of one kind to their input; the folder they wait in is called by it."""
    if target.graylog is None:
        return []
    host, port = target.graylog
    if kind == _METRICS:
        name, port = f"{_METRICS_PREFIX}_{name.partition('_')[2]}", target.metrics_port
    destination = Destination(host, port, target.transport, target.authority)

    def as_gelf(_logger: object, _method: str, event: EventDict) -> str:
        return message(event, name, machine)

    def delivery() -> Delivery:
        return Delivery(destination, Spool(target.spool / kind, target.capacity), _say)

    return [_handler(GelfHandler(lambda: Sender(delivery, _say)), as_gelf, shared)]


def _handler(handler: logging.Handler, renderer: Any, shared: Sequence[Any]) -> logging.Handler:
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
            foreign_pre_chain=shared,
        )
    )
    handler.addFilter(WithoutTracebacks())
    return handler


def _for_people() -> Any:
    return structlog.dev.ConsoleRenderer(colors=True, exception_formatter=structlog.dev.plain_traceback)


def _as_json(_logger: object, _method: str, event: EventDict) -> str:
    first = {name: event.pop(name) for name in ("timestamp", "level", "event") if name in event}
    return str(structlog.processors.JSONRenderer(ensure_ascii=False, default=str)(None, "", {**first, **event}))


def _call_site() -> Any:
    wanted = structlog.processors.CallsiteParameter
    return structlog.processors.CallsiteParameterAdder(
        {
            wanted.FILENAME,
            wanted.LINENO,
            wanted.FUNC_NAME,
            wanted.PROCESS,
            wanted.PROCESS_NAME,
            wanted.THREAD_NAME,
        },
        additional_ignores=["synergos.program.logs"],
    )


def _say(event: str, facts: dict[str, object]) -> None:
    structlog.get_logger(__name__).warning(event, **facts)


def _is_port(text: str) -> bool:
    return text.isdecimal() and 0 < int(text) < 2**16


@dataclass(frozen=True)
class _Component:
    """Adds which program a line comes from; not a context variable, as no thread begins with those of another."""

    id: str

    def __call__(self, _logger: object, _method: str, event: EventDict) -> EventDict:
        event["component"] = self.id
        return event
