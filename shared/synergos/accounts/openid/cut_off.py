"""Connections of ``requests`` that are cut after so many seconds, whatever they are at: its own time-outs begin anew with each byte that comes."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import Any

from requests.adapters import HTTPAdapter


class CutOff(HTTPAdapter):
    """Has one session's connections, of both schemes, cut.

    Args:
        seconds: from now on.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__()
        # Guards the rest.
        self._lock = threading.Lock()
        self._is_over = False
        self._lines: list[socket.socket] = []
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True
        self._timer.start()

    def get_connection_with_tls_context(self, *arguments: Any, **named: Any) -> Any:
        """The pool whose connections are noted as soon as they are there: a handshake takes long too, if the other end wants it to."""
        pool: Any = super().get_connection_with_tls_context(*arguments, **named)
        kind: Any = pool.ConnectionCls
        noted = {"_new_conn": lambda connection: self._note(kind._new_conn(connection))}
        pool.ConnectionCls = type(kind.__name__, (kind,), noted)
        return pool

    def close(self) -> None:
        """Cut nothing any more."""
        self._timer.cancel()
        with self._lock:
            for line in self._lines:
                line.close()
            self._lines.clear()
        super().close()

    def _note(self, line: socket.socket) -> socket.socket:
        with self._lock:
            # Its own end of it: TLS takes the socket's.
            self._lines.append(line.dup())
            if self._is_over:
                self._end(self._lines[-1])
        return line

    def _cut(self) -> None:
        with self._lock:
            self._is_over = True
            for line in self._lines:
                self._end(line)

    @staticmethod
    def _end(line: socket.socket) -> None:
        with suppress(OSError):
            line.shutdown(socket.SHUT_RDWR)
