"""A tiny orchestrator stand-in on a real socket: remembers every request, answers what it was told to answer."""

from __future__ import annotations

import json
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

HEALTH = {"status": "ok", "component": "ttp", "id": "ttp", "version": "0.1.0"}
OK = {"apiVersion": "0.1.0", "success": 1, "status": 200, "method": "test.get", "params": {}, "data": []}


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    body: Any
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class RecordingServer:
    """``answers`` are given in order; when there are none left, ``routes`` decide, and everything else is ``OK``.

    What it says of itself at ``/health`` is neither among them nor remembered.
    """

    port: int = 0
    requests: list[Request] = field(default_factory=list)
    answers: deque[tuple[int, bytes]] = field(default_factory=deque)
    routes: dict[tuple[str, str], tuple[int, bytes]] = field(default_factory=dict)
    health: Mapping[str, Any] | None = field(default_factory=lambda: HEALTH)
    """None: it has no such route."""
    hold: threading.Event = field(default_factory=threading.Event)
    """Clear it to leave requests without an answer until it is set again."""
    arrived: Callable[[str, str], None] = field(default=lambda method, path: None)
    """Told method and path of each request before it is held."""

    def answer_next(self, status: int, body: object) -> None:
        self.answers.append((status, body if isinstance(body, bytes) else json.dumps(body).encode()))

    def answer_always(self, method: str, path: str, status: int, body: object) -> None:
        self.routes[method, path] = (status, json.dumps(body).encode())

    def next_answer(self, method: str, path: str) -> tuple[int, bytes]:
        if self.answers:
            return self.answers.popleft()
        return self.routes.get((method, path.partition("?")[0]), (200, json.dumps(OK).encode()))

    @property
    def seen(self) -> list[tuple[str, str, Any]]:
        return [(request.method, request.path, request.body) for request in self.requests]


@contextmanager
def recording_server() -> Iterator[RecordingServer]:
    server = RecordingServer()
    server.hold.set()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Head and body are written one after the other; the second would wait for the client's delayed ACK.
        disable_nagle_algorithm = True

        def _answer(self) -> None:
            if self.path == "/health":
                self._send(200 if server.health else 404, json.dumps(server.health or {}).encode())
                return
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            server.requests.append(Request(self.command, self.path, body, dict(self.headers)))
            server.arrived(self.command, self.path)
            server.hold.wait(100)
            self._send(*server.next_answer(self.command, self.path))

        def _send(self, status: int, content: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *args: object) -> None:
            """Quietly."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: object, client_address: object) -> None:
            """A client may hang up before its answer; anything else is a mistake in here."""
            if not isinstance(sys.exc_info()[1], ConnectionError):
                raise

    for method in ("GET", "POST", "PUT", "DELETE"):
        setattr(Handler, f"do_{method}", Handler._answer)
    http = Server(("127.0.0.1", 0), Handler)
    server.port = http.server_address[1]
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.hold.set()
        http.shutdown()
        thread.join()
        http.server_close()
