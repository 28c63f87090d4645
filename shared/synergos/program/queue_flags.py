"""Where a cluster's queue is, as the programs are told on their command line."""

from __future__ import annotations

import argparse
import os
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from synergos.errors import InvalidRequest
from synergos.program.flags import add_flag

QUEUE_PORT = 5672
_USER, _PASSWORD = "SYNERGOS_QUEUE_USER", "SYNERGOS_QUEUE_PASSWORD"
_EXPECTED = "expected 'rabbitmq HOST PORT'"


@dataclass(frozen=True)
class QueueTarget:
    """A RabbitMQ broker.

    Attributes:
        username: None for the broker's own default, which it takes from its own machine only.
        tls: file of the certificate authority that signed the broker's certificate; None for no TLS.
    """

    host: str
    port: int = QUEUE_PORT
    virtual_host: str = "/"
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: Path | None = None


def add_queue_flags(parser: argparse.ArgumentParser, *, default: Sequence[str] | None = None) -> None:
    """Add ``--queue`` and what belongs to it.

    Args:
        default: what ``--queue`` is when it is left out; None for no queue.
    """
    add_flag(
        parser,
        "--queue",
        "-mq",
        nargs="+",
        default=default,
        metavar=("VARIANT", "HOST PORT"),
        help=f"the cluster's queue: 'rabbitmq HOST PORT'; user name and password are read from the environment variables "
        f"{_USER} and {_PASSWORD}",
    )
    add_flag(parser, "--queue_virtual_host", default="/", help="the virtual host of the queue")
    add_flag(
        parser,
        "--queue_certificates",
        type=Path,
        help="file of the certificate authority that signed the broker's certificate; turns TLS on",
    )


def queue_target(parser: argparse.ArgumentParser, given: argparse.Namespace) -> QueueTarget:
    """Read the queue's flags; ends the program with a clear message when they make no sense."""
    try:
        host, port = _address(given.queue)
    except InvalidRequest as error:
        parser.error(str(error))
    certificates: Path | None = given.queue_certificates
    if certificates is not None:
        if not certificates.is_file():
            parser.error(f"--queue_certificates: there is no file {certificates}")
        try:
            ssl.create_default_context(cafile=certificates)
        except ssl.SSLError:
            parser.error(f"--queue_certificates: expected certificates in PEM format in {certificates}")
    username, password = os.environ.get(_USER), os.environ.get(_PASSWORD)
    if (username is None) != (password is None):
        parser.error(f"{_USER} and {_PASSWORD}: expected both or neither")
    return QueueTarget(host, port, given.queue_virtual_host, username, password, certificates)


def _address(value: Sequence[str]) -> tuple[str, int]:
    match list(value):
        case ["rabbitmq"]:
            return "localhost", QUEUE_PORT
        case ["rabbitmq", host]:
            return host, QUEUE_PORT
        case ["rabbitmq", host, port] if port.isdecimal() and 0 < int(port) < 2**16:
            return host, int(port)
        case _:
            raise InvalidRequest(f"{' '.join(value)!r} is no queue: {_EXPECTED}", "--queue")
