"""How the system looks after a connection between a TTP and a worker, on lines as they are."""

from __future__ import annotations

import socket
import struct

AT_ONCE = struct.pack("ii", 1, 0)
"""How a socket is told to forget, when it is closed, what it has not sent."""

_IDLE_SECONDS, _BETWEEN_SECONDS, _PROBES = 15, 5, 4
"""After which an idle connection shows that it is used: below what any translation of addresses is known to forget it in, and of
one that was forgotten all the same, or whose line is cut, it is known after half a minute."""
_UNCONFIRMED_SECONDS = 30
"""After which a connection is broken of which the other end confirms nothing that was sent."""

Option = tuple[int, int, int | bytes]


def line_options(largest_segment: int | None = None) -> list[Option]:
    """What is set at a socket before it connects.

    Args:
        largest_segment: bytes of content in a packet, either way; as many as the line is known to take unless given.
    """
    options: list[Option] = [(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1), (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)]
    for name, value in (
        ("TCP_KEEPIDLE", _IDLE_SECONDS),
        ("TCP_KEEPINTVL", _BETWEEN_SECONDS),
        ("TCP_KEEPCNT", _PROBES),
        ("TCP_USER_TIMEOUT", 1000 * _UNCONFIRMED_SECONDS),
        ("TCP_MAXSEG", largest_segment),
    ):
        # Not every system has all of them.
        if value is not None and hasattr(socket, name):
            options.append((socket.IPPROTO_TCP, getattr(socket, name), value))
    return options


def look_after(connection: socket.socket) -> None:
    """The same for a connection that was accepted."""
    for option in line_options():
        connection.setsockopt(*option)
