"""A port at which nobody is found."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

HOST = "127.0.0.1"


@contextmanager
def nobodys_port() -> Iterator[int]:
    """A port of loopback where nobody listens inside the ``with`` block, and nobody else can: it is taken."""
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        port: int = taken.getsockname()[1]
        yield port
