"""Arriving at an orchestrator's rendezvous: see docs/wire-formats.md, section 4.4."""

from __future__ import annotations

import http.client
import io
import json
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from synergos.domain.addresses import is_address, is_loopback
from synergos.errors import Conflict, InvalidRequest, WireFormatError
from synergos.identity.arrival import RENDEZVOUS, UPGRADE, Keeper, arrive, keeper_of, nonce
from synergos.identity.identity import Identity
from synergos.program.tunnel import Proxy, dial

SECONDS = 10.0
"""For a connection, and for each answer."""
_LARGEST_ANSWER = 2**18


class Unwelcome(Conflict):
    """The rendezvous lets this worker not in, yet."""


@dataclass(frozen=True)
class Meeting:
    """Where a rendezvous is, and how to get there.

    Attributes:
        proxy: through which; None to connect to it.
        tls: makes the context in which it is spoken to, anew for each connection, so that renewed certificates are taken up;
            None for plain.
    """

    host: str
    port: int
    proxy: Proxy | None = None
    tls: Callable[[], ssl.SSLContext] | None = None

    @classmethod
    def read(cls, text: str) -> tuple[str, int]:
        """Host and port of ``HOST:PORT``.

        Raises:
            InvalidRequest: it is written otherwise.
        """
        host, _, port = text.rpartition(":")
        host = host.removeprefix("[").removesuffix("]")
        is_port = port.isascii() and port.isdigit() and 0 < int(port) < 2**16
        if not is_port or not (is_address(host) if ":" in host else _is_name(host)):
            raise InvalidRequest(f"expected HOST:PORT of an orchestrator's rendezvous, got {text[:80]!r}")
        return host, int(port)

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"

    @property
    def is_in_the_clear(self) -> bool:
        """Whether others on a network may read what is said there."""
        return self.tls is None and not is_loopback(self.host)

    def connect(self) -> socket.socket:
        """A connection to it.

        Raises:
            OSError: nobody answers, or it has not proved by its certificate who it is.
        """
        connection = dial(self.host, self.port, SECONDS, self.proxy)
        if self.tls is None:
            return connection
        try:
            return self.tls().wrap_socket(connection, server_hostname=self.host)
        except BaseException:
            connection.close()
            raise


def _is_name(host: str) -> bool:
    """Whether it can be looked up at all, as far as that can be seen: the library encodes it before it asks anybody."""
    try:
        return bool(host.encode("idna"))
    except UnicodeError:
        return False


def arrived(
    meeting: Meeting, own: Identity, instance: str, started: float, believe: Callable[[Keeper], None]
) -> tuple[socket.socket, Keeper]:
    """A connection that waits at a rendezvous to be asked something, and who keeps that.

    Args:
        instance: of this worker.
        started: when it was, in seconds since 1970.
        believe: raises where this keeper is not to be met.

    Raises:
        OSError, http.client.HTTPException: there is no way there, or no answer.
        WireFormatError: what answers is no rendezvous, or has not proved who it is.
        Unwelcome: it has no place for this worker; says why.
    """
    connection = meeting.connect()
    try:
        drawn = nonce()
        status, content = _ask(connection, meeting, "GET", f"{RENDEZVOUS}?nonce={drawn}")
        if status != HTTPStatus.OK:
            hint = "; if it speaks TLS, name who vouches for it with --tls_ca" if meeting.tls is None else ""
            raise WireFormatError(f"what answers at {meeting} with status {status} is no rendezvous{hint}")
        keeper = keeper_of(content, drawn)
        believe(keeper)
        said = json.dumps(arrive(own, keeper, instance, started)).encode()
        status, content = _ask(connection, meeting, "POST", RENDEZVOUS, said)
        if status != HTTPStatus.SWITCHING_PROTOCOLS:
            raise Unwelcome(f"the rendezvous answers with status {status}: {_reason(content)}")
    except BaseException:
        connection.close()
        raise
    return connection, keeper


def _ask(
    connection: socket.socket, meeting: Meeting, method: str, path: str, content: bytes | None = None
) -> tuple[int, bytes]:
    """One request, and its answer; nothing behind that is read, as it is not HTTP any more."""
    asked = http.client.HTTPConnection(meeting.host, meeting.port)
    asked.sock = _Kept(connection)
    headers = {"Content-Type": "application/json", "Connection": "Upgrade", "Upgrade": UPGRADE} if content else {}
    asked.request(method, path, content, headers)
    answer = asked.getresponse()
    # http.client knows of no body behind a change of protocols, and reads none.
    told = b"" if answer.status == HTTPStatus.SWITCHING_PROTOCOLS else answer.read(_LARGEST_ANSWER)
    return answer.status, told


def _reason(content: bytes) -> str:
    """What it says, as far as that is known to be words; it is shown to the worker's owner alone."""
    with suppress(ValueError):
        told: Any = json.loads(content)
        if isinstance(told, dict) and isinstance(told.get("message"), str):
            return str(told["message"])[:200]
    return "no reason given"


class _Kept:
    """A socket that is read no further than it is asked to, and stays open when who asks is done with it."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def sendall(self, data: bytes) -> None:
        self._connection.sendall(data)

    def makefile(self, _mode: str) -> io.BufferedReader:
        # A reader without a buffer to speak of: what comes behind an answer is not the answer's.
        return io.BufferedReader(_Received(self._connection), 1)

    def close(self) -> None:
        pass


class _Received(io.RawIOBase):
    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._connection.recv_into(buffer)
