"""A program whose pages are to be shown by a portal: it says what it was asked, forbids framing, and can be stopped and started again."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from synergos_simulator.grid import FreePorts

HOST = "127.0.0.1"


@dataclass(frozen=True)
class Asked:
    """A request as it came."""

    method: str
    target: str
    fields: list[tuple[str, str]]
    body: bytes

    def values(self, name: str) -> list[str]:
        return [value for key, value in self.fields if key.lower() == name.lower()]


@dataclass
class Shown:
    """What it answers by path, and what it was asked.

    Attributes:
        answers: status, header and pieces of the body; a piece that is an event is waited for, and none is sent for it.
        asked: the requests that came as a whole, each before it is answered: whoever has all answers knows that none is to come.
        port: where it listens, always the same.
        pieces: of bodies, as they come, also of requests that break off: some time after whoever sent them has hung up.
    """

    answers: dict[str, tuple[int, list[tuple[str, str]], list[bytes | threading.Event]]] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    port: int = 0
    pieces: list[bytes] = field(default_factory=list)
    _server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    def start(self) -> None:
        shown = self

        class Handler(_Handler):
            told = shown

        # One that the system gives to nobody meanwhile, when it was stopped.
        self._server = _Server((HOST, self.port or FreePorts()()), Handler)
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def stop(self) -> None:
        """Be gone, with all connections that are open."""
        server, self._server = self._server, None
        if server is not None:
            server.shutdown()
            server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._open: set[Any] = set()

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def server_close(self) -> None:
        super().server_close()
        for each in list(self._open):
            self.shutdown_request(each)

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass


class _Handler(BaseHTTPRequestHandler):
    told: Shown
    protocol_version = "HTTP/1.1"
    # Head and body are written one after the other, and each is sent at once.
    disable_nagle_algorithm = True

    def _answer(self) -> None:
        body = b"".join(self._pieces())
        # As it was sent: Python makes one of the slashes that a path begins with.
        target = self.requestline.split(" ")[1]
        self.told.asked.append(Asked(self.command, target, list(self.headers.items()), body))
        path = self.path.partition("?")[0]
        status, fields, pieces = self.told.answers.get(path, (200, [], [f"<p>{path}".encode()]))
        self.send_response_only(status)
        for name, value in [
            ("X-Frame-Options", "DENY"),
            ("Content-Security-Policy", "frame-ancestors 'none'"),
            *fields,
        ]:
            self.send_header(name, value)
        is_said = any(name.lower() in ("content-length", "transfer-encoding") for name, _ in fields)
        has_body = status not in (204, 304) and self.command != "HEAD"
        if not is_said and status not in (204, 304):
            self.send_header("Content-Length", str(sum(len(one) for one in pieces if isinstance(one, bytes))))
        self.end_headers()
        for piece in pieces if has_body else []:
            if isinstance(piece, threading.Event):
                piece.wait(60)
            else:
                self.wfile.write(piece)
                self.wfile.flush()

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _answer  # noqa: N815

    def _pieces(self) -> Iterator[bytes]:
        if self.headers.get("Transfer-Encoding"):
            while size := int(self.rfile.readline(), 16):
                yield self._come(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
        else:
            left = int(self.headers.get("Content-Length") or 0)
            while left and (piece := self.rfile.read1(min(left, 2**16))):
                left -= len(piece)
                yield self._come(piece)
            if left:
                raise ConnectionAbortedError("a request ended before its body did")

    def _come(self, piece: bytes) -> bytes:
        self.told.pieces.append(piece)
        return piece

    def log_message(self, *_: object) -> None:
        pass


def chunk(piece: bytes) -> bytes:
    """A piece of a body without a length."""
    return b"%X\r\n%b\r\n" % (len(piece), piece)


def as_json(value: object) -> tuple[int, list[tuple[str, str]], list[bytes | threading.Event]]:
    """An answer."""
    return 200, [("Content-Type", "application/json")], [json.dumps(value).encode()]


@contextmanager
def shown_tool() -> Iterator[Shown]:
    """One that runs inside the ``with`` block, unless it is stopped."""
    shown = Shown()
    shown.start()
    try:
        yield shown
    finally:
        shown.stop()
