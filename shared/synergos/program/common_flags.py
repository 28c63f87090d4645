"""Flags that every program has, each with a working default."""

from __future__ import annotations

import argparse
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from uuid import uuid4

from synergos.domain.grid import COMMAND_PORT, DATA_PORT
from synergos.gelf import Transport
from synergos.program.flags import add_flag, refusing, whole_number
from synergos.program.logs import SPOOL_BYTES, LogTarget
from synergos.program.system_metrics import SAMPLE_SECONDS
from synergos.tls.files import AUTHORITY_FLAG as TLS_AUTHORITY_FLAG
from synergos.tls.files import CERTIFICATE_FLAG, CLIENTS_FLAG, KEY_FLAG, Clients
from synergos.tracing import TraceTarget
from synergos.tracing.target import AUTHORITY_FLAG
from synergos.tracing.target import FLAG as TRACING_FLAG


def in_container() -> bool:
    """Whether this process runs in a container, where its network is its own."""
    return any(Path(mark).exists() for mark in ("/.dockerenv", "/run/.containerenv"))


def common_parser(program: str, purpose: str) -> argparse.ArgumentParser:
    """A parser with the flags that every program has."""
    parser = argparse.ArgumentParser(
        prog=f"synergos-{program}", description=purpose, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--version", action="version", version=f"synergos {version('synergos')}")
    add_flag(parser, "--id", "-i", default=f"{program}/{uuid4()}", help="name of this component in logs")
    add_flag(
        parser,
        "--logging_variant",
        "-l",
        nargs="+",
        default=["basic"],
        metavar=("VARIANT", "HOST PORT"),
        help="where log messages go: 'basic' (standard error), or 'graylog HOST PORT [SYSMETRIC_PORT]'",
    )
    add_flag(
        parser,
        "--logging_transport",
        type=Transport,
        choices=list(Transport),
        default=Transport.TCP,
        help="how they travel to Graylog",
    )
    add_flag(
        parser,
        "--logging_ca",
        type=Path,
        metavar="FILE",
        help="who vouches for Graylog, by tls; default: --tls_ca, else the system's",
    )
    add_flag(
        parser,
        "--logging_spool",
        type=whole_number(2**20),
        default=SPOOL_BYTES,
        metavar="BYTES",
        help="how much may wait on disk while Graylog is away, below --outputs",
    )
    add_flag(
        parser,
        "--logging_resolution",
        "-r",
        type=whole_number(1),
        default=None,
        help=f"seconds between two samples of system metrics in the log; by default {SAMPLE_SECONDS} in Graylog, and none elsewhere",
    )
    add_flag(
        parser,
        "--metrics",
        choices=["on", "off"],
        default="on",
        help="whether the command port answers /metrics, for Prometheus",
    )
    add_flag(
        parser,
        TRACING_FLAG,
        default="off",
        variable="SYNERGOS_TRACING",
        metavar="URL",
        help="collector that spans are sent to, by OTLP over HTTP; 'off' for none",
    )
    add_flag(
        parser,
        AUTHORITY_FLAG,
        type=Path,
        variable="SYNERGOS_TRACING_CA",
        metavar="FILE",
        help="who vouches for that collector, by https; default: the system's",
    )
    _add_tls_flags(parser, asks_clients=program == "worker")
    add_flag(parser, "--cpus", type=whole_number(0), help="processor cores to use; default: all but one")
    add_flag(parser, "--gpus", type=whole_number(0), help="GPUs to use, 0 for none; default: all there are")
    add_flag(parser, "--censored", "-c", action="store_true", help="leave addresses and paths out of log messages")
    add_flag(parser, "--debug", "-d", action="store_true", help="log debug messages too")
    add_flag(
        parser,
        "--host",
        default="0.0.0.0" if in_container() else "127.0.0.1",  # noqa: S104 - a container's network is its own
        help="address to listen on",
    )
    add_flag(
        parser,
        "--allow_hosts",
        nargs="+",
        default=[],
        variable="SYNERGOS_ALLOW_HOSTS",
        metavar="NAME",
        help="names this program may be asked by besides the address it listens on, without port",
    )
    add_flag(parser, "--port", type=whole_number(1, 65535), default=COMMAND_PORT, help="command port (REST)")
    add_flag(parser, "--data_port", type=whole_number(1, 65535), default=DATA_PORT, help="data port (model weights)")
    add_flag(
        parser,
        "--connections_per_address",
        type=whole_number(16, 10**6),
        default=1024,
        variable="SYNERGOS_CONNECTIONS_PER_ADDRESS",
        help="connections that one address may have open, those of sessions not counted",
    )
    add_flag(
        parser,
        "--maximum_body",
        type=whole_number(1024),
        default=8 * 2**20,
        help="largest request body on the command port, in bytes",
    )
    return parser


def _add_tls_flags(parser: argparse.ArgumentParser, *, asks_clients: bool) -> None:
    """Add the flags that :mod:`synergos.program.tls_flags` reads.

    Args:
        asks_clients: whether clients have to show a certificate where nothing else is said and there is who vouches for them.
    """
    files = {
        CERTIFICATE_FLAG: (
            "SYNERGOS_TLS_CERT",
            "this program's certificate: with it its ports speak TLS; others that it connects to are shown it too",
        ),
        KEY_FLAG: ("SYNERGOS_TLS_KEY", "the key of that certificate"),
        TLS_AUTHORITY_FLAG: (
            "SYNERGOS_TLS_CA",
            "who vouches for others, and what those have revoked: with it this program asks our other programs by TLS",
        ),
    }
    for flag, (variable, what) in files.items():
        add_flag(parser, flag, variable=variable, type=Path, metavar="FILE", help=what)
    usual = "required where there is --tls_ca" if asks_clients else Clients.NONE
    add_flag(
        parser,
        CLIENTS_FLAG,
        type=Clients,
        choices=list(Clients),
        variable="SYNERGOS_TLS_CLIENTS",
        help=f"whether who connects has to show a certificate that --tls_ca vouches for; default: {usual}",
    )
    parser.set_defaults(tls_asks_clients=asks_clients)


def log_target(parser: argparse.ArgumentParser, given: argparse.Namespace) -> LogTarget:
    """Where a command line has log messages go; ends the program with a clear message when that makes no sense."""
    with refusing(parser):
        target = replace(
            LogTarget.from_flag(given.logging_variant),
            transport=given.logging_transport,
            authority=given.logging_ca or (given.tls_ca if given.logging_transport is Transport.TLS else None),
            capacity=given.logging_spool,
        )
        target.check()
    return target


def trace_target(parser: argparse.ArgumentParser, given: argparse.Namespace) -> TraceTarget:
    """Where a command line has spans go; ends the program with a clear message when that makes no sense."""
    with refusing(parser):
        target = TraceTarget.read(given.tracing, given.tracing_ca)
        target.check()
    return target
