"""A tracking server that answers as MLflow's does, but for what it is told to lie about."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Lie = Callable[["Handler"], bool]
"""Answers a request in the server's place; false where it lets the server answer."""


@dataclass
class LyingServer:
    """What it says and what it has heard.

    Attributes:
        artifact_uri: where it says that the files of a run belong.
        lie: what it does to requests besides.
        heard: verb and path of each request, without the query.
        uploads: what was sent to its own artifact service, by path.
    """

    artifact_uri: str = "mlflow-artifacts:/1/run/artifacts"
    lie: Lie = lambda _: False
    heard: list[tuple[str, str]] = field(default_factory=list)
    uploads: dict[str, bytes] = field(default_factory=dict)
    port: int = 0

    @property
    def address(self) -> str:
        """As a collaboration names it."""
        return f"http://127.0.0.1:{self.port}"

    def run(self) -> Mapping[str, Any]:
        """A run, which is always the same."""
        info = {
            "run_id": "run",
            "run_uuid": "run",
            "run_name": "first",
            "experiment_id": "1",
            "status": "RUNNING",
            "start_time": 1,
            "artifact_uri": self.artifact_uri,
            "lifecycle_stage": "active",
        }
        return {"info": info, "data": {}}

    def answer(self, path: str) -> Mapping[str, Any]:
        """What MLflow's server says."""
        experiment = {
            "experiment_id": "1",
            "name": "x",
            "artifact_location": self.artifact_uri,
            "lifecycle_stage": "active",
        }
        says: Mapping[str, Mapping[str, Any]] = {
            "experiments/get-by-name": {"experiment": experiment},
            "experiments/create": {"experiment_id": "1"},
            "runs/search": {"runs": [self.run()]},
            "runs/create": {"run": self.run()},
            "runs/get": {"run": self.run()},
            "runs/update": {"run_info": self.run()["info"]},
        }
        return says.get(path.removeprefix("/api/2.0/mlflow/"), {})


class Handler(BaseHTTPRequestHandler):
    """One request."""

    server: _Server

    def do_GET(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
        self._answer(self.rfile.read(int(self.headers.get("Content-Length", 0))))

    do_PUT = do_PATCH = do_POST  # noqa: N815 - the library's names

    def log_message(self, *_: object) -> None:
        """Says nothing."""

    def say(self, content: bytes, status: int = 200, **headers: str) -> None:
        """Answer with this; headers with _ for -."""
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(content)

    def _answer(self, content: bytes) -> None:
        liar, path = self.server.liar, self.path.split("?")[0]
        liar.heard.append((self.command, path))
        if "/mlflow-artifacts/" in path and self.command == "PUT":
            liar.uploads[path] = content
        try:
            if not liar.lie(self):
                self.say(json.dumps(liar.answer(path)).encode(), Content_Type="application/json")
        except OSError:
            """Whoever asked does not want to know."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, liar: LyingServer) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.liar = liar


@contextmanager
def lying(liar: LyingServer) -> Iterator[LyingServer]:
    """The server, which runs inside the ``with`` block."""
    server = _Server(liar)
    liar.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, name="liar")
    thread.start()
    try:
        yield liar
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
