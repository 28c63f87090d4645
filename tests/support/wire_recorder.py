"""Everything that passes between a TTP and its workers: proxies in front of ports, which forward bytes and keep them."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field

HOST = "127.0.0.1"
_LENGTH = re.compile(rb"^content-length:\s*(\d+)", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True)
class Exchange:
    """A question and its answer.

    Attributes:
        worker: whom the proxy stands for.
    """

    worker: str
    method: str
    path: str
    question: bytes
    status: int
    answer: bytes


@dataclass
class _Connection:
    worker: str
    sent: bytearray = field(default_factory=bytearray)
    received: bytearray = field(default_factory=bytearray)

    def exchanges(self) -> Iterator[Exchange]:
        answers = _messages(bytes(self.received))
        for (line, question), (status, answer) in zip(_messages(bytes(self.sent)), answers, strict=False):
            method, path, _ = line.split(" ", 2)
            yield Exchange(self.worker, method, path, question, int(status.split(" ")[1]), answer)


class WireRecorder:
    """Keeps what passes its proxies."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._connections: list[_Connection] = []
        # Whoever connects from then on is heard no more.
        self.is_over = threading.Event()

    def in_front_of(self, worker: str, port: int) -> int:
        """The port of a proxy in front of a worker's port."""
        listener = socket.create_server((HOST, 0))
        self._stack.callback(listener.close)
        threading.Thread(target=self._accept, args=(listener, worker, port), daemon=True).start()
        found: int = listener.getsockname()[1]
        return found

    @property
    def exchanges(self) -> list[Exchange]:
        """What has been asked and answered so far."""
        return [exchange for connection in list(self._connections) for exchange in connection.exchanges()]

    @property
    def beginnings(self) -> list[bytes]:
        """What each connection begins with, in either direction, as far as anything was said."""
        return [bytes(part[:16]) for found in self._connections for part in (found.sent, found.received) if part]

    @property
    def bytes(self) -> bytes:
        """All that has passed, in either direction."""
        return b"\n".join(bytes(part) for found in self._connections for part in (found.sent, found.received))

    def _accept(self, listener: socket.socket, worker: str, port: int) -> None:
        while True:
            try:
                asking, _ = listener.accept()
            except OSError:  # closed: the recording has ended
                return
            if self.is_over.is_set():
                asking.close()
                return
            answering = socket.create_connection((HOST, port))
            kept = _Connection(worker)
            self._connections.append(kept)
            self._stack.callback(asking.close)
            self._stack.callback(answering.close)
            for source, target, to in ((asking, answering, kept.sent), (answering, asking, kept.received)):
                threading.Thread(target=_pump, args=(source, target, to), daemon=True).start()


@contextmanager
def recording() -> Iterator[WireRecorder]:
    """Inside it, proxies can be put in front of workers."""
    with ExitStack() as stack:
        recorder = WireRecorder(stack)
        # Before anything is closed.
        try:
            yield recorder
        finally:
            recorder.is_over.set()


def _pump(source: socket.socket, target: socket.socket, kept: bytearray) -> None:
    with suppress(OSError):
        while piece := source.recv(2**16):
            kept += piece
            target.sendall(piece)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def _messages(stream: bytes) -> Iterator[tuple[str, bytes]]:
    """First line and body of each message on a connection."""
    while stream:
        head, _, rest = stream.partition(b"\r\n\r\n")
        found = _LENGTH.search(head)
        length = int(found.group(1)) if found else 0
        yield head.split(b"\r\n", 1)[0].decode(), rest[:length]
        stream = rest[length:]
