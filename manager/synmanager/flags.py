"""Where a cluster's queue is, as programs are told on their command line."""

from __future__ import annotations

import argparse
import os
import ssl
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from synmanager.broker import DEFAULT_PORT
from synmanager.errors import CredentialsNeeded
from synmanager.rabbitmq import Broker

_USER, _PASSWORD, _PASSWORD_FILE = (
    "SYNERGOS_QUEUE_USER",
    "SYNERGOS_QUEUE_PASSWORD",
    "SYNERGOS_QUEUE_PASSWORD_FILE",
)
_VIRTUAL_HOST, _CERTIFICATES = "SYNERGOS_QUEUE_VIRTUAL_HOST", "SYNERGOS_QUEUE_CERTIFICATES"
_TLS = "SYNERGOS_QUEUE_TLS"
_EXPECTED = "expected 'rabbitmq HOST PORT'"

Contexts = Callable[[Path | None], ssl.SSLContext]
"""Makes the context of a connection, of a file of who vouches for the other end; without one of whom the program believes."""


def _of_file(authority: Path | None) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=authority)


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
        help="the cluster's queue: 'rabbitmq HOST PORT'",
    )
    parser.add_argument(
        "--queue_user",
        "--queue-user",
        help=f"the queue's user, who has the rights of this program's role or all of them; also {_USER}",
    )
    parser.add_argument(
        "--queue_password_file",
        "--queue-password-file",
        type=Path,
        help=f"file with that user's password; also {_PASSWORD_FILE}, or {_PASSWORD} for the password itself",
    )
    parser.add_argument(
        "--queue_virtual_host",
        "--queue-virtual-host",
        help=f"the virtual host of the queue, / unless said; also {_VIRTUAL_HOST}",
    )
    parser.add_argument(
        "--queue_certificates",
        "--queue-certificates",
        type=Path,
        help=f"file of the certificate authority that signed the broker's certificate, if it is another than the program's;"
        f" turns TLS on; also {_CERTIFICATES}",
    )
    parser.add_argument(
        "--queue_tls",
        "--queue-tls",
        action="store_true",
        help=f"speak TLS to the queue: who vouches for it, and what it is shown, say --tls_ca, --tls_cert and --tls_key; also {_TLS}=1",
    )


def broker_of(parser: argparse.ArgumentParser, given: argparse.Namespace, contexts: Contexts = _of_file) -> Broker:
    """The broker that the flags name; ends the program with a clear message when they make no sense.

    Args:
        contexts: how this program speaks TLS.
    """
    try:
        host, port = _address(given.queue)
    except ValueError as error:
        parser.error(f"--queue: {error}")
    certificates = _path(given.queue_certificates, _CERTIFICATES)
    if certificates is not None:
        if not certificates.is_file():
            parser.error(f"--queue_certificates: there is no file {certificates}")
        try:
            ssl.create_default_context(cafile=certificates)
        except ssl.SSLError:
            parser.error(f"--queue_certificates: expected certificates in PEM format in {certificates}")
    username, password = given.queue_user or os.environ.get(_USER) or None, _password(parser, given)
    if (username is None) != (password is None):
        parser.error(f"--queue_user and --queue_password_file, {_USER} and {_PASSWORD}: expected both or neither")
    virtual_host = given.queue_virtual_host or os.environ.get(_VIRTUAL_HOST) or "/"
    tls = partial(contexts, certificates) if certificates is not None or _speaks_tls(parser, given) else None
    return Broker(host, port, username, password, virtual_host, tls)


def _speaks_tls(parser: argparse.ArgumentParser, given: argparse.Namespace) -> bool:
    said = os.environ.get(_TLS) or "0"
    if said not in ("0", "1"):
        parser.error(f"{_TLS}: expected 1 or 0, got {said[:20]!r}")
    return given.queue_tls or said == "1"


def _path(given: Path | None, variable: str) -> Path | None:
    said = given or os.environ.get(variable)
    return Path(said) if said else None


def _password(parser: argparse.ArgumentParser, given: argparse.Namespace) -> str | None:
    file = _path(given.queue_password_file, _PASSWORD_FILE)
    if file is None:
        return os.environ.get(_PASSWORD) or None
    try:
        found = file.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, ValueError) as error:
        parser.error(f"--queue_password_file: {file} cannot be read ({type(error).__name__})")
    if not found:
        parser.error(f"--queue_password_file: expected a password in {file}, which is empty")
    return found


def usable_broker_of(
    parser: argparse.ArgumentParser, given: argparse.Namespace, contexts: Contexts = _of_file
) -> Broker:
    """As :func:`broker_of`, for a program that is to connect: a broker on another machine is no place for its default user."""
    broker = broker_of(parser, given, contexts)
    try:
        broker.check()
    except CredentialsNeeded as error:
        parser.error(f"--queue_user, {_USER} and {_PASSWORD}: {error}")
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
