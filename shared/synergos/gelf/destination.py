"""Where messages go, and the connections that take them there."""

from __future__ import annotations

import fcntl
import socket
import ssl
import struct
import termios
import zlib
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from graypy.handler import WAN_CHUNK, GELFWarningChunker

from synergos.errors import InvalidRequest
from synergos.tls.files import client_context

CONNECT_SECONDS = 5.0
STALL_SECONDS = 5.0
"""So long a receiver may take nothing before the connection is given up."""
_ANSWER = 2**16


class Transport(StrEnum):
    """How messages travel."""

    TCP = "tcp"
    UDP = "udp"
    TLS = "tls"


@dataclass(frozen=True)
class Destination:
    """A GELF input.

    Attributes:
        authority: a PEM file of who may vouch for it, by TLS; None for whom the system trusts.
    """

    host: str
    port: int
    transport: Transport = Transport.TCP
    authority: Path | None = None

    def connect(self) -> Connection:
        """A connection to it.

        Raises:
            OSError: there is none to be had.
        """
        if self.transport is Transport.UDP:
            return _Datagrams(self)
        return _Stream(self)


class Connection(Protocol):
    """One way to a receiver; used by one thread."""

    def send(self, messages: bytes) -> int:
        """Send messages that each end with a null byte, the first of them at least; how many bytes were sent.

        Raises:
            OSError: the connection broke, or the receiver takes nothing.
        """

    def unacknowledged(self) -> int:
        """How many bytes of what was sent may not have arrived at the receiver's machine, as far as that can be known.

        Raises:
            OSError: the connection broke.
        """

    def close(self) -> None:
        """Let go of it."""


class _Stream:
    """TCP, with or without TLS."""

    def __init__(self, destination: Destination) -> None:
        plain = socket.create_connection((destination.host, destination.port), CONNECT_SECONDS)
        self._plain = plain
        self._socket: socket.socket = plain
        if destination.transport is Transport.TLS:
            try:
                context = _context(destination.authority)
                self._socket = context.wrap_socket(plain, server_hostname=destination.host)
            except BaseException:
                plain.close()
                raise
        self._socket.settimeout(STALL_SECONDS)

    def send(self, messages: bytes) -> int:
        """See :class:`Connection`."""
        self._see_that_it_is_open()
        left = memoryview(messages)
        while left:
            left = left[self._socket.send(left) :]
        return len(messages)

    def unacknowledged(self) -> int:
        """See :class:`Connection`; by TLS a little more than there is, as its own bytes count too."""
        self._see_that_it_is_open()
        waiting = fcntl.ioctl(self._socket.fileno(), termios.TIOCOUTQ, struct.pack("i", 0))
        return int(struct.unpack("i", waiting)[0])

    def close(self) -> None:
        """See :class:`Connection`."""
        self._socket.close()

    def _see_that_it_is_open(self) -> None:
        self._socket.settimeout(0.0)
        try:
            # A receiver has nothing to say; whatever it says is not looked at.
            while self._socket.recv(_ANSWER):
                pass
        except (BlockingIOError, ssl.SSLWantReadError):
            return
        finally:
            self._socket.settimeout(STALL_SECONDS)
        raise ConnectionResetError("the receiver closed the connection")


def _context(authority: Path | None) -> ssl.SSLContext:
    try:
        return client_context(authority)
    except InvalidRequest as error:
        # It was changed since the program began; perhaps it is being written.
        raise OSError(str(error)) from error


class _Datagrams:
    """UDP: whether anything arrives, nobody knows, unless the receiver's machine says that nobody listens."""

    def __init__(self, destination: Destination) -> None:
        family, kind, protocol, _, address = socket.getaddrinfo(
            destination.host, destination.port, type=socket.SOCK_DGRAM
        )[0]
        self._socket = socket.socket(family, kind, protocol)
        self._socket.connect(address)
        self._socket.settimeout(STALL_SECONDS)
        self._chunker = GELFWarningChunker(WAN_CHUNK)

    def send(self, messages: bytes) -> int:
        """See :class:`Connection`."""
        sent = 0
        try:
            while (end := messages.find(b"\0", sent)) >= 0:
                self._send_one(messages[sent:end])
                sent = end + 1
        except OSError:
            if not sent:
                raise
        return sent

    def _send_one(self, message: bytes) -> None:
        packed = zlib.compress(message)
        if len(packed) <= WAN_CHUNK:
            self._socket.send(packed)
            return
        for chunk in self._chunker.chunk_message(packed):
            self._socket.send(chunk)

    def unacknowledged(self) -> int:
        """See :class:`Connection`."""
        return 0

    def close(self) -> None:
        """See :class:`Connection`."""
        self._socket.close()
