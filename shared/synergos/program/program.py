"""How a program begins: its command line is read once, its log is turned on, and it is served until it is told to stop."""

from __future__ import annotations

import argparse
import os
import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Self

import structlog

from synergos.domain.addresses import is_loopback
from synergos.program.common_flags import log_target, trace_target
from synergos.program.health_watch import Check
from synergos.program.logs import configure_logging
from synergos.program.open_connections import ConnectionLimits
from synergos.program.resources import NO_RESOURCES, Resources
from synergos.program.server import ServerSettings, Service, serve
from synergos.program.start_records import log_start
from synergos.program.system_metrics import SAMPLE_SECONDS
from synergos.program.tls_flags import check_tls, secured_by
from synergos.program.uncaught import log_what_nobody_catches
from synergos.tls.files import TlsFiles
from synergos.tls.secured import Secured
from synergos.tracing import NO_TARGET, Tracer, TraceTarget

OWNERS_ALONE = 0o077
"""The umask of every program: files 0600, folders 0700. Models and predictions tell of people."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class ProgramSettings:
    """What every program is told; its own settings stand beside it.

    Attributes:
        id: what this component is called in logs and by ``/health``.
        port: of the REST interface.
        cpus: processor cores to use, None for all but one.
        gpus: GPUs to use, None for all there are.
        maximum_body: bytes of a request on that port.
        metrics_seconds: how often system metrics are logged; None for never.
        told: all flags and their values, for the log.
        has_metrics: whether they can be read.
        allowed_hosts: names by which it may be asked besides the address it listens on.
        connections_per_address: those that one address may have open.
        tracing: where spans go.
        tls: how it speaks TLS; None where it does not.
    """

    id: str
    host: str
    port: int
    cpus: int | None = None
    gpus: int | None = None
    maximum_body: int = 8 * 2**20
    metrics_seconds: int | None = None
    told: Mapping[str, object] = field(default_factory=dict)
    has_metrics: bool = True
    allowed_hosts: frozenset[str] = frozenset()
    connections_per_address: int = 1024
    tracing: TraceTarget = NO_TARGET
    tls: Secured | None = None

    @classmethod
    def of(cls, given: argparse.Namespace) -> Self:
        """Those of a command line that :func:`synergos.program.common_flags.common_parser` has read."""
        return cls(
            id=given.id,
            host=given.host,
            port=given.port,
            cpus=given.cpus,
            gpus=given.gpus,
            maximum_body=given.maximum_body,
            told=vars(given),
            has_metrics=given.metrics == "on",
            metrics_seconds=given.logging_resolution
            or (SAMPLE_SECONDS if given.logging_variant[0] == "graylog" else None),
            allowed_hosts=frozenset(given.allow_hosts),
            connections_per_address=given.connections_per_address,
            tracing=TraceTarget.read(given.tracing, given.tracing_ca),
            tls=secured_by(given),
        )

    @property
    def is_in_the_clear(self) -> bool:
        """Whether others on a network may read what comes by its port."""
        return (self.tls is None or not self.tls.files.is_server) and not is_loopback(self.host)

    @property
    def tls_to_others(self) -> Callable[[], ssl.SSLContext] | None:
        """The context of a connection to another of our programs that is made now; None for plain HTTP."""
        return None if self.tls is None or self.tls.files.authority is None else self.tls.client

    @property
    def certificate_checks(self) -> Mapping[str, Check]:
        """What a program looks at of its own certificate; nothing where it has none."""
        return {} if self.tls is None or not self.tls.files.is_server else {"certificate": self.tls.problem}

    def certificate(self) -> Mapping[str, object]:
        """What ``/health`` says of its own certificate."""
        return {} if self.tls is None else self.tls.told()

    def tls_to(self, authority: Path | None) -> ssl.SSLContext:
        """The context of a connection to a server of somebody else's that is made now.

        Args:
            authority: who vouches for it; None for whom this program believes, or else the system.

        Raises:
            InvalidRequest: a file is not what it is to be.
        """
        if authority is None:
            return TlsFiles().client() if self.tls is None else self.tls.client()
        return replace(TlsFiles() if self.tls is None else self.tls.files, authority=authority).client()

    @property
    def resources(self) -> Resources:
        """What there is of what this program may use; a program that computes on a GPU asks in the process that serves."""
        return Resources.within(self.cpus, self.gpus)

    def tracer(self, component: str) -> Tracer:
        """What takes this program's spans; made in the process that serves, and closed by whoever has it made."""

        def say(event: str, facts: dict[str, object]) -> None:
            log.warning(event, **facts)

        return self.tracing.tracer(component, self.id, say)


def read_flags(flags: argparse.ArgumentParser, arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read a command line, this process's own unless another is given, and turn the log on.

    From here on what the program writes is its user's alone, whatever writes it: a library, or a process beside it.

    Ends the program with a clear message when a flag makes no sense.
    """
    given = flags.parse_args(arguments)
    os.umask(OWNERS_ALONE)
    component = flags.prog.removeprefix("synergos-")
    # Programs of one kind send to one input, and may take over what another has left; several kinds may share their outputs.
    trace_target(flags, given)
    check_tls(flags, given)
    target = replace(log_target(flags, given), spool=given.outputs / ".log_spool" / component)
    configure_logging(
        given.id,
        target,
        component=component,
        debug=given.debug,
        censored=given.censored,
        shows_metrics=given.logging_resolution is not None,
    )
    return given


def hold(settings: ProgramSettings) -> None:
    """Hold this process to what it may use; the log says where that is less than was asked for."""
    found = settings.resources
    found.apply()
    if settings.gpus is not None and found.gpus < settings.gpus:
        log.warning("fewer GPUs than --gpus asks for", asked=settings.gpus, there=found.gpus)


def run(
    build: Callable[[], Service],
    settings: ProgramSettings,
    more_ports: Mapping[int, str] = MappingProxyType({}),
    *,
    listens: bool = True,
    computes: bool = True,
) -> None:
    """Serve until SIGTERM or SIGINT; does not return.

    Args:
        build: makes the service, in the process that serves it.
        more_ports: to listen on besides the REST interface's, each with the flag that says it.
        listens: see :class:`~synergos.program.server.ServerSettings`.
        computes: whether it has tensors; torch is not loaded where it has none.
    """

    def prepared() -> Service:
        if computes:
            # Before the first tensor is made.
            hold(settings)
        log_start(settings.told, settings.resources if computes else NO_RESOURCES)
        if settings.tls is not None:
            settings.tls.say()
        return build()

    listening = ServerSettings(
        settings.host,
        (settings.port, *more_ports),
        flags={settings.port: "--port", **more_ports},
        metrics_seconds=settings.metrics_seconds,
        allowed_hosts=settings.allowed_hosts,
        maximum_body=settings.maximum_body,
        listens=listens,
        tls=settings.tls if settings.tls is not None and settings.tls.files.is_server and listens else None,
        connections=ConnectionLimits(settings.connections_per_address, max(4096, 2 * settings.connections_per_address)),
    )
    log_what_nobody_catches()
    serve(prepared, listening)
