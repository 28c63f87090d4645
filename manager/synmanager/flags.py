"""Where a cluster's queue is, as programs are told on their command line."""

from __future__ import annotations

import argparse
import os
import ssl
from collections.abc import Sequence
from pathlib import Path

from synmanager.broker import DEFAULT_PORT
from synmanager.errors import CredentialsNeeded
from synmanager.rabbitmq import Broker

_USER, _PASSWORD = "SYNERGOS_QUEUE_USER", "SYNERGOS_QUEUE_PASSWORD"
_EXPECTED = "expected 'rabbitmq HOST PORT'"


def add_queue_flags(parser: argparse.ArgumentParser, *, default: Sequence[str] | None = None) -> None:
    """Add ``--queue`` and what belongs to it.

    Args:
        default: what ``--queue`` is when it is left out; None for no queue.
    """
    parser.add_argument(
        "--queue",
        "-mq",
        nargs="+",
        default=default,
        metavar=("VARIANT", "HOST PORT"),
        help=f"the cluster's queue: 'rabbitmq HOST PORT'; user name and password are read from the environment variables "
        f"{_USER} and {_PASSWORD}",
    )
    parser.add_argument(
        "--queue_virtual_host", "--queue-virtual-host", default="/", help="the virtual host of the queue"
    )
    parser.add_argument(
        "--queue_certificates",
        "--queue-certificates",
        type=Path,
        help="file of the certificate authority that signed the broker's certificate; turns TLS on",
    )


def broker_of(parser: argparse.ArgumentParser, given: argparse.Namespace) -> Broker:
    """The broker that the flags name; ends the program with a clear message when they make no sense."""
    try:
        host, port = _address(given.queue)
    except ValueError as error:
        parser.error(f"--queue: {error}")
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
    return Broker(host, port, username, password, given.queue_virtual_host, certificates)


def usable_broker_of(parser: argparse.ArgumentParser, given: argparse.Namespace) -> Broker:
    """As :func:`broker_of`, for a program that is to connect: a broker on another machine is no place for its default user."""
    broker = broker_of(parser, given)
    try:
        broker.check()
    except CredentialsNeeded as error:
        parser.error(f"{_USER} and {_PASSWORD}: {error}")
    return broker


def _address(value: Sequence[str]) -> tuple[str, int]:
    match list(value):
        case ["rabbitmq"]:
            return "localhost", DEFAULT_PORT
        case ["rabbitmq", host]:
            return host, DEFAULT_PORT
        case ["rabbitmq", host, port] if port.isdecimal() and 0 < int(port) < 2**16:
            return host, int(port)
        case _:
            raise ValueError(f"{' '.join(value)!r} is no queue: {_EXPECTED}")
