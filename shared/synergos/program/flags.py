"""Command-line flags that every program has, each with a working default."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from uuid import uuid4

from synergos.domain.grid import COMMAND_PORT, DATA_PORT
from synergos.domain.quotas import FLAG as QUOTA_FLAG
from synergos.domain.quotas import Quotas
from synergos.errors import InvalidRequest
from synergos.gelf import Transport
from synergos.program.logs import SPOOL_BYTES, LogTarget
from synergos.program.system_metrics import SAMPLE_SECONDS
from synergos.tls.files import AUTHORITY_FLAG as TLS_AUTHORITY_FLAG
from synergos.tls.files import CERTIFICATE_FLAG, CLIENTS_FLAG, KEY_FLAG, Clients
from synergos.tracing import TraceTarget
from synergos.tracing.target import AUTHORITY_FLAG
from synergos.tracing.target import FLAG as TRACING_FLAG
from synergos.upkeep.retention import Retention


def in_container() -> bool:
    """Whether this process runs in a container, where its network is its own."""
    return any(Path(mark).exists() for mark in ("/.dockerenv", "/run/.containerenv"))


def default_folder(name: str, *mounts: str) -> Path:
    """The first of the places that images mount which is there, else a folder below the one we were started in."""
    there = (Path(mount) for mount in mounts if Path(mount).is_dir())
    return next(there, Path.cwd() / "synergos-run" / name)


_MOUNTS = {
    # The original's documentation mounts the first two in either place.
    "data": ("/orchestrator/data", "/director/data"),
    "outputs": ("/orchestrator/outputs", "/director/outputs"),
    "mlflow": ("/mlflow",),
}


def orchestrator_folder(name: str) -> Path:
    """Where a TTP has its ``data``, ``outputs`` or ``mlflow`` unless it is told otherwise."""
    return default_folder(f"ttp/{name}", *_MOUNTS[name])


def add_flag(parser: argparse.ArgumentParser, *names: str, **options: object) -> None:
    """Add a flag; a long name with underscores is also understood with hyphens."""
    spelled = [*names, *(name.replace("_", "-") for name in names if name.startswith("--") and "_" in name)]
    parser.add_argument(*spelled, **options)  # type: ignore[arg-type]


def add_keep_flag(parser: argparse.ArgumentParser, what: str) -> None:
    """Add the flag that says how much is kept; :func:`retention_of` reads it."""
    add_flag(parser, "--keep", nargs="+", default=[], metavar="WHAT=HOW_MUCH", help=what)


def retention_of(parser: argparse.ArgumentParser, given: argparse.Namespace, *kinds: str) -> Retention:
    """What is to be kept, by the command line; ends the program with a clear message when that makes no sense."""
    try:
        return Retention.read(given.keep, kinds)
    except InvalidRequest as error:
        parser.error(str(error))


def add_quota_flag(parser: argparse.ArgumentParser) -> None:
    """Add the flag that says how much a collaboration may have; :func:`quotas_of` reads it."""
    add_flag(
        parser,
        QUOTA_FLAG,
        nargs="+",
        default=os.environ.get("SYNERGOS_QUOTA", "").split(),
        metavar="WHAT=HOW_MUCH",
        help=f"how much one collaboration may have; what is not said is as in {Quotas()}; also SYNERGOS_QUOTA,"
        " separated by blanks",
    )


def quotas_of(parser: argparse.ArgumentParser, given: argparse.Namespace) -> Quotas:
    """How much a collaboration may have, by the command line; ends the program with a clear message when that makes no sense."""
    try:
        return Quotas.read(given.quota)
    except InvalidRequest as error:
        parser.error(str(error))


def whole_number(minimum: int, maximum: int = 2**31) -> Callable[[str], int]:
    """An argparse type: a whole number within bounds."""

    def convert(text: str) -> int:
        number = int(text)
        if not minimum <= number <= maximum:
            raise argparse.ArgumentTypeError(f"{number} is not between {minimum} and {maximum}")
        return number

    convert.__name__ = "whole number"
    return convert


def share(text: str) -> float:
    """An argparse type: a part of something, above 0 and at most 1."""
    number = float(text)
    if not 0 < number <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not above 0 and at most 1")
    return number


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
        default=os.environ.get("SYNERGOS_TRACING", "off"),
        metavar="URL",
        help="collector that spans are sent to, by OTLP over HTTP; 'off' for none; also SYNERGOS_TRACING",
    )
    add_flag(
        parser,
        AUTHORITY_FLAG,
        type=Path,
        default=os.environ.get("SYNERGOS_TRACING_CA") or None,
        metavar="FILE",
        help="who vouches for that collector, by https; default: the system's; also SYNERGOS_TRACING_CA",
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
        default=os.environ.get("SYNERGOS_ALLOW_HOSTS", "").split(),
        metavar="NAME",
        help="names this program may be asked by besides the address it listens on, without port; "
        "also SYNERGOS_ALLOW_HOSTS, separated by blanks",
    )
    add_flag(parser, "--port", type=whole_number(1, 65535), default=COMMAND_PORT, help="command port (REST)")
    add_flag(parser, "--data_port", type=whole_number(1, 65535), default=DATA_PORT, help="data port (model weights)")
    add_flag(
        parser,
        "--connections_per_address",
        type=whole_number(16, 10**6),
        default=os.environ.get("SYNERGOS_CONNECTIONS_PER_ADDRESS", "1024"),
        help="connections that one address may have open, those of sessions not counted; "
        "also SYNERGOS_CONNECTIONS_PER_ADDRESS",
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
        default = os.environ.get(variable) or None
        add_flag(parser, flag, type=Path, default=default, metavar="FILE", help=f"{what}; also {variable}")
    usual = "required where there is --tls_ca" if asks_clients else Clients.NONE
    add_flag(
        parser,
        CLIENTS_FLAG,
        type=Clients,
        choices=list(Clients),
        default=os.environ.get("SYNERGOS_TLS_CLIENTS") or None,
        help=f"whether who connects has to show a certificate that --tls_ca vouches for; default: {usual}; also SYNERGOS_TLS_CLIENTS",
    )
    parser.set_defaults(tls_asks_clients=asks_clients)


def usable_folder(parser: argparse.ArgumentParser, flag: str, folder: Path, *, make: bool = True) -> Path:
    """The folder a flag names, as an absolute path; ends the program with a clear message when it cannot be used.

    Args:
        make: make it, and want to write to it; else it must be there and is only read.
    """
    folder = folder.resolve()
    try:
        if make:
            folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        parser.error(f"{flag}: the folder {folder} cannot be made: {error.strerror}")
    if not folder.is_dir():
        parser.error(f"{flag}: {folder} is not a folder")
    if not os.access(folder, os.R_OK | os.X_OK | (os.W_OK if make else 0)):
        parser.error(f"{flag}: the folder {folder} cannot be {'written to' if make else 'read'}")
    return folder


def log_target(parser: argparse.ArgumentParser, given: argparse.Namespace) -> LogTarget:
    """Where a command line has log messages go; ends the program with a clear message when that makes no sense."""
    try:
        target = replace(
            LogTarget.from_flag(given.logging_variant),
            transport=given.logging_transport,
            authority=given.logging_ca or (given.tls_ca if given.logging_transport is Transport.TLS else None),
            capacity=given.logging_spool,
        )
        target.check()
    except InvalidRequest as error:
        parser.error(str(error))
    return target


def trace_target(parser: argparse.ArgumentParser, given: argparse.Namespace) -> TraceTarget:
    """Where a command line has spans go; ends the program with a clear message when that makes no sense."""
    try:
        target = TraceTarget.read(given.tracing, given.tracing_ca)
        target.check()
    except InvalidRequest as error:
        parser.error(str(error))
    return target
