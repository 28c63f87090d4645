"""The images' health check of a program: in the clear, and of one that speaks TLS and asks who asks."""

from __future__ import annotations

import runpy
import ssl
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from socket import socket
from threading import Thread
from typing import Any

import pytest

from servers.https import HOST, listening
from synergos.pki.consortium import LocalConsortium

CHECK = Path(__file__).parents[3] / "docker" / "health.py"


@pytest.fixture(scope="module")
def check() -> dict[str, Any]:
    return runpy.run_path(str(CHECK))


@pytest.mark.parametrize(("status", "is_well"), [(HTTPStatus.OK, True), (HTTPStatus.SERVICE_UNAVAILABLE, False)])
def test_a_program_is_well_if_it_says_so(check: dict[str, Any], status: HTTPStatus, is_well: bool) -> None:
    class Program(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append((self.path, self.headers["Host"]))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(b"200")

    asked: list[tuple[str, str]] = []
    with HTTPServer((HOST, 0), Program) as server:
        Thread(target=server.handle_request, daemon=True).start()
        assert check["answers"](HOST, server.server_port) == is_well
    assert asked == [("/health", f"{HOST}:{server.server_port}")]


def test_nobody_there_is_an_error_for_whoever_looks_elsewhere_then(check: dict[str, Any], tmp_path: Path) -> None:
    with socket() as nobody:
        nobody.bind((HOST, 0))
        with pytest.raises(ConnectionRefusedError):
            check["answers"](HOST, nobody.getsockname()[1])


def told(consortium: LocalConsortium, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNERGOS_TLS_CERT", str(consortium.folder / name / f"{name}.pem"))
    monkeypatch.setenv("SYNERGOS_TLS_KEY", str(consortium.folder / name / f"{name}.key"))


def test_a_program_is_asked_by_its_own_certificate_which_is_for_another_name(
    check: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    consortium = LocalConsortium(tmp_path / "pki", ("worker.example",))
    with listening(consortium, asks=True) as port:
        told(consortium, "ttp", monkeypatch)
        assert check["answers"](HOST, port)


def test_another_program_of_the_same_consortium_is_not_taken_for_it(
    check: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    consortium = LocalConsortium(tmp_path / "pki", ("worker.example",))
    consortium.files("worker")
    told(consortium, "worker", monkeypatch)

    with listening(consortium) as port, pytest.raises(ssl.SSLCertVerificationError):
        check["answers"](HOST, port)
