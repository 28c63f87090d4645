"""Log messages: facts with ids, on standard error or in Graylog; never a participant's data.

Every line says which program it comes from, and whom it is about: see :mod:`synergos.program.log_context`. Libraries that
log by :mod:`logging` come out the same way.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any

import graypy
import structlog

from synergos.errors import InvalidRequest
from synergos.program.failures import WithoutTracebacks, without_tracebacks

CENSORED_KEYS = frozenset({"address", "data", "database", "folder", "host", "mlflow", "outputs", "path", "port", "url"})


@dataclass(frozen=True)
class LogTarget:
    """Where log messages go: standard error, or a Graylog server's GELF input over UDP as well."""

    graylog: tuple[str, int] | None = None

    @classmethod
    def from_flag(cls, value: Sequence[str]) -> LogTarget:
        """Read ``basic`` or ``graylog HOST PORT``.

        Raises:
            InvalidRequest: it is neither.
        """
        match list(value):
            case ["basic", *_]:
                return cls()
            case ["graylog", host, port] if port.isdecimal() and 0 < int(port) < 2**16:
                return cls((host, int(port)))
            case _:
                raise InvalidRequest(
                    f"{' '.join(value)!r} is not a log target: expected 'basic' or 'graylog HOST PORT'",
                    "--logging_variant",
                )


def configure_logging(component_id: str, target: LogTarget, *, debug: bool = False, censored: bool = False) -> None:
    """Send the log messages of this process to ``target``; called once, by a program's main module."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        _Component(component_id),
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.stdlib.ExtraAdder(),
        without_tracebacks,
        *([_censor] if censored else []),
    ]
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
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stderr)]
    if target.graylog:
        handlers.append(graypy.GELFUDPHandler(*target.graylog, facility=component_id))
    formatter = structlog.stdlib.ProcessorFormatter(
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
            ),
        ],
        foreign_pre_chain=shared,
    )
    for handler in handlers:
        handler.setFormatter(formatter)
        handler.addFilter(WithoutTracebacks())
    root = logging.getLogger()
    root.handlers = handlers
    root.setLevel(logging.DEBUG if debug else logging.INFO)
    for chatty in ("alembic", "gunicorn", "matplotlib", "mlflow", "urllib3"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    # A broker that is away is worth a line, which synmanager writes; pika would add a traceback to each attempt.
    logging.getLogger("pika").setLevel(logging.CRITICAL)


@dataclass(frozen=True)
class _Component:
    """Adds which program a line comes from; not a context variable, as no thread begins with those of another."""

    id: str

    def __call__(self, _logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        event["component"] = self.id
        return event


def _censor(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for key in CENSORED_KEYS & event.keys():
        event[key] = "(censored)"
    return event
