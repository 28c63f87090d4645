"""A response's body, sent straight from the memory where it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

Send = Callable[[memoryview], None]
"""Sends all of a piece of memory."""


def sending(environ: WSGIEnvironment) -> Send | None:
    """How to send pieces of a body behind one that was yielded, with which the head went out; None where all are to be yielded.

    What a WSGI application yields are bytes: of memory that belongs to something else, each piece would be copied first.
    """
    connection = environ.get("gunicorn.socket")
    return None if connection is None else connection.sendall
