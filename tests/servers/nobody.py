"""Ports at which nobody listens, nor will while a test knows of it."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

HOST = "127.0.0.1"


@contextmanager
def nobody() -> Iterator[int]:
    """A port that refuses connections inside the ``with`` block: it is taken, so that no other test is given it meanwhile."""
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        yield int(taken.getsockname()[1])
