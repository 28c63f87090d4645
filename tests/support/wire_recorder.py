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
        self._is_over = False
        # Guards that, and who is heard: what was accepted a moment before the end is closed too.
        self._hearing = threading.Lock()

    def in_front_of(self, worker: str, port: int) -> int:
        """The port of a proxy in front of a worker's port."""
        listener = socket.create_server((HOST, 0))
        accepting = threading.Thread(target=self._accept, args=(listener, worker, port))
        accepting.start()
        self._stack.callback(accepting.join)
        self._stack.callback(_close, listener)
        found: int = listener.getsockname()[1]
        return found

    def end(self) -> None:
        """Hear nobody any more who connects."""
        with self._hearing:
            self._is_over = True

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
            with self._hearing:
                if self._is_over or (answering := _connected(port)) is None:
                    asking.close()
                    continue
                kept = _Connection(worker)
                self._connections.append(kept)
                for source, target, to in ((asking, answering, kept.sent), (answering, asking, kept.received)):
                    pumping = threading.Thread(target=_pump, args=(source, target, to))
                    pumping.start()
                    self._stack.callback(pumping.join)
                self._stack.callback(_close, asking)
                self._stack.callback(_close, answering)


@contextmanager
def recording() -> Iterator[WireRecorder]:
    """Inside it, proxies can be put in front of workers."""
    with ExitStack() as stack:
        recorder = WireRecorder(stack)
        # Before anything is closed.
        try:
            yield recorder
        finally:
            recorder.end()


def _connected(port: int) -> socket.socket | None:
    """A connection to a worker; None where it is gone."""
    try:
        return socket.create_connection((HOST, port))
    except OSError:
        return None


def _close(line: socket.socket) -> None:
    """Close it, and have whoever reads from it or accepts at it meanwhile go on."""
    with suppress(OSError):
        line.shutdown(socket.SHUT_RDWR)
    line.close()


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
