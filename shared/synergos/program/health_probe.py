"""Asking a program at an address what it is, by its ``/health``."""

from __future__ import annotations

import http.client
import io
import socket
import ssl
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from typing import Any

from synergos.domain.addresses import in_header, is_fingerprint
from synergos.domain.reachability import Answered, Barred, Silent
from synergos.errors import InvalidRequest
from synergos.program.destinations import ANY_NODE, Destinations, OwnPort
from synergos.tls.handshake_errors import reason_of

SECONDS = 2.0
_LARGEST_ANSWER = 2**16
_PIECE = 2**12


def probe(
    host: str,
    port: int,
    where: Destinations = ANY_NODE,
    tls: Callable[[], ssl.SSLContext] | None = None,
    seconds: float = SECONDS,
) -> Answered | Silent:
    """See :class:`synergos.domain.reachability.Probe`; no redirect is followed, and little is read.

    Args:
        where: which addresses may be asked.
        tls: the context of a connection that is made now; None for plain HTTP.
        seconds: for all of it.
    """
    until = time.monotonic() + seconds
    try:
        with closing(connected(host, port, where, seconds, tls)) as sock:
            found = Answered.read(_content(host, port, _InTime(sock, until)))
            return replace(found, presence=where.presence(host))
    except InvalidRequest as error:
        return Barred(str(error), isinstance(error, OwnPort))
    except socket.gaierror as error:
        return Silent(error.strerror or "the name is not known")
    except TimeoutError:
        return Silent(f"silent for {seconds:.0f} s")
    except OSError as error:
        # A worker that has joined another program of this grid is there, and only that can ask it.
        return Silent(reason_of(error) or error.strerror or type(error).__name__, presence=where.presence(host))
    except (http.client.HTTPException, ValueError):
        return Answered()


def connected(
    host: str, port: int, where: Destinations, seconds: float, tls: Callable[[], ssl.SSLContext] | None
) -> socket.socket:
    """A connection, by TLS where that is said.

    Raises:
        InvalidRequest: it may not be connected to.
        OSError: nobody answers, or who answers is not believed.
    """
    plain = where.connect(host, port, seconds)
    if tls is None or is_fingerprint(host):
        # Who dials out has agreed on TLS with the rendezvous.
        return plain
    try:
        return tls().wrap_socket(plain, server_hostname=host.strip("[]"))
    except BaseException:
        plain.close()
        raise


def _content(host: str, port: int, sock: Any) -> bytes:
    """The beginning of the content of its answer."""
    connection = http.client.HTTPConnection(in_header(host.strip("[]")), port)
    connection.sock = sock
    connection.request("GET", "/health", headers={"Accept": "application/json"})
    answer = connection.getresponse()
    content = bytearray()
    while len(content) < _LARGEST_ANSWER and (piece := answer.read1(_PIECE)):
        content += piece
    return bytes(content)


class _InTime:
    """A socket with one moment for all that is sent and received: whoever is asked may take a byte a second for its answer.

    Args:
        until: the moment, in monotonic seconds.
    """

    def __init__(self, sock: socket.socket, until: float) -> None:
        self._sock = sock
        self._until = until

    def sendall(self, data: bytes) -> None:
        """As a socket does."""
        self._sock.settimeout(_left(self._until))
        self._sock.sendall(data)

    def makefile(self, _mode: str) -> io.BufferedReader:
        """What is received, head and content alike."""
        return io.BufferedReader(_Received(self._sock, self._until))

    def close(self) -> None:
        """Nothing yet: the connection is done with before its answer is read."""


class _Received(io.RawIOBase):
    def __init__(self, sock: socket.socket, until: float) -> None:
        self._sock = sock
        self._until = until
        self._count = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._sock.settimeout(_left(self._until))
        count = self._sock.recv_into(buffer)
        self._count += count
        if self._count > 2 * _LARGEST_ANSWER:
            raise ValueError("it goes on for too long")
        return count


def _left(until: float) -> float:
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left
