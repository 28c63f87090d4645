"""Connections that a program makes itself, and then serves as if it had accepted them."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

Adopt = Callable[[socket.socket, Any, Any], None]
"""Has a connection served: the socket, whom it is counted for, and which of this program's ports it stands for, behind any host.
Any thread may call it; see :meth:`synergos.program.reception.Reception.adopt`."""


@runtime_checkable
class Dialling(Protocol):
    """A service that makes connections of its own."""

    def dial(self, adopt: Adopt, /) -> None:
        """Begin to; called once, in the main thread, when requests are taken."""
