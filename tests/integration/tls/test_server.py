"""A program's ports by TLS: who is let in, what everybody else is told, and what changes while it runs."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from support.waiting import until
from synergos.domain.reachability import Answered, Silent
from synergos.pki import pem
from synergos.pki.authority import Authority
from synergos.pki.consortium import LocalConsortium
from synergos.pki.names import Names, Use
from synergos.pki.site import make_request
from synergos.program.destinations import ANY_NODE
from synergos.program.health_probe import probe
from synergos.tls.files import TlsFiles
from synergos_simulator.grid import HOST, FreePorts

PROGRAM = f"""
import json, sys
from pathlib import Path
from synergos.program.health import health
from synergos.program.server import ServerSettings, serve
from synergos.tls.files import TlsFiles
from synergos.tls.secured import Secured

class Program:
    def applications(self):
        return {{settings.ports[0]: self.answer}}

    def answer(self, environ, start_response):
        content = json.dumps(health("worker", "w", secured.told(), interface="command", scheme=environ["wsgi.url_scheme"])).encode()
        start_response("200 OK", [("Content-Length", str(len(content)))])
        return [content]

    def stop(self): pass
    def close(self): pass

port, certificate, key, authority, asks = json.loads(sys.argv[1])
secured = Secured(TlsFiles(Path(certificate), Path(key), Path(authority), asks))
settings = ServerSettings("{HOST}", (port,), threads=2, tls=secured)
serve(Program, settings)
"""

Started = Callable[..., "Server"]


class Server:
    """The program above."""

    def __init__(self, files: tuple[Path, Path, Path], *, asks: bool, log: Path) -> None:
        self.port, self.log = FreePorts()(), log
        told = json.dumps([self.port, *map(str, files), asks])
        with log.open("wb") as said:
            self.process = subprocess.Popen([sys.executable, "-c", PROGRAM, told], stdout=said, stderr=said)
        until(self.listens, "the program to listen")

    def listens(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()
        with closing(socket.socket()) as line:
            return line.connect_ex((HOST, self.port)) == 0

    def health(self, files: TlsFiles, host: str = HOST) -> Answered | Silent:
        # What it says is tested, and not how soon on a busy machine.
        return probe(host, self.port, ANY_NODE, files.client, seconds=30.0)

    def shown(self, files: TlsFiles) -> str:
        """The serial number of what it shows."""
        with (
            closing(socket.create_connection((HOST, self.port), 60)) as line,
            files.client().wrap_socket(line, server_hostname=HOST) as secured,
        ):
            found = secured.getpeercert() or {}
            return str(found["serialNumber"]).lower().lstrip("0")


@pytest.fixture
def consortium(tmp_path: Path) -> LocalConsortium:
    return LocalConsortium(tmp_path / "pki", (HOST,))


@pytest.fixture
def start(consortium: LocalConsortium, tmp_path: Path) -> Iterator[Started]:
    running: list[Server] = []

    def starting(*, asks: bool = True) -> Server:
        running.append(Server(consortium.files("worker"), asks=asks, log=tmp_path / f"program_{len(running)}.log"))
        return running[-1]

    yield starting
    for server in running:
        server.process.terminate()
        server.process.wait(100)


def client_of(consortium: LocalConsortium, name: str = "ttp") -> TlsFiles:
    return TlsFiles(*consortium.files(name))


def test_who_shows_a_certificate_of_the_consortium_is_let_in(start: Started, consortium: LocalConsortium) -> None:
    server = start()

    found = server.health(client_of(consortium))

    assert isinstance(found, Answered)
    assert (found.component, found.component_id) == ("worker", "w")


def test_who_shows_none_is_not_and_learns_why(start: Started, consortium: LocalConsortium) -> None:
    server = start()

    found = server.health(replace(client_of(consortium), certificate=None, key=None))

    assert isinstance(found, Silent)
    assert found.reason.startswith("it wants a certificate of this program, which has none to show")
    until(lambda: "it showed no certificate" in server.log.read_text(), "the log to say who was not let in")


def test_who_asks_nobody_for_a_certificate_lets_everybody_in(start: Started, consortium: LocalConsortium) -> None:
    found = start(asks=False).health(TlsFiles(authority=consortium.authority.believed))

    assert isinstance(found, Answered)


def test_an_authority_that_nobody_knows_vouches_for_nobody(
    start: Started, consortium: LocalConsortium, tmp_path: Path
) -> None:
    server = start()
    stranger = client_of(LocalConsortium(tmp_path / "strangers", (HOST,)))
    own = consortium.authority.believed

    believes_nobody = server.health(stranger)
    is_believed_by_nobody = server.health(replace(stranger, authority=own))

    assert believes_nobody == Silent("its certificate does not hold: nobody that is believed vouches for it")
    assert is_believed_by_nobody == Silent("it does not know who vouches for the certificate of this program")


def test_another_hosts_certificate_is_not_taken_for_this_ones(start: Started, consortium: LocalConsortium) -> None:
    found = start().health(client_of(consortium), "localhost")

    assert isinstance(found, Silent)
    assert found.reason.startswith("its certificate does not hold: Hostname mismatch")


def test_a_certificate_that_has_expired_is_none(start: Started, consortium: LocalConsortium, tmp_path: Path) -> None:
    server = start()
    past = Authority.in_folder(consortium.folder, now=lambda: datetime.now(UTC) - timedelta(days=20))
    key, request, _ = make_request(tmp_path, Names.checked("late", (HOST,)))
    (tmp_path / "late.pem").write_text(past.issue(pem.request(request), 10).certificate)

    found = server.health(TlsFiles(tmp_path / "late.pem", key, consortium.authority.believed))

    assert found == Silent("it says that the certificate of this program has expired")


def test_a_certificate_that_is_for_listening_alone_connects_nobody(
    start: Started, consortium: LocalConsortium, tmp_path: Path
) -> None:
    key, request, _ = make_request(tmp_path, Names.checked("listens", (HOST,), (Use.SERVER,)))
    (tmp_path / "listens.pem").write_text(consortium.authority.issue(pem.request(request)).certificate)

    found = start().health(TlsFiles(tmp_path / "listens.pem", key, consortium.authority.believed))

    assert isinstance(found, Silent)
    assert "the certificate of this program" in found.reason


def test_what_is_revoked_is_let_in_no_more_and_believed_no_more(start: Started, consortium: LocalConsortium) -> None:
    server, client = start(), client_of(consortium)
    assert isinstance(server.health(client), Answered)

    consortium.authority.revoke("ttp")

    refused = Silent("it says that the certificate of this program was revoked")
    until(lambda: server.health(client) == refused, "the program to have taken up what was revoked")
    consortium.authority.revoke("worker")
    assert server.health(client_of(consortium, "another")) == Silent("its certificate does not hold: it was revoked")


def test_a_renewed_certificate_is_shown_and_a_broken_one_is_not(start: Started, consortium: LocalConsortium) -> None:
    server, client = start(), client_of(consortium)
    before = server.shown(client)
    shown = consortium.folder / "worker" / "worker.pem"

    issued = consortium.authority.renew("worker")
    shown.write_text(issued.certificate)
    until(lambda: server.shown(client) == issued.serial, "the renewed certificate to be shown")
    shown.write_text("nothing")

    def goes_on() -> bool:
        assert server.shown(client) == issued.serial
        return "those before count on" in server.log.read_text()

    until(goes_on, "the log to say so")
    assert before != issued.serial
    assert server.log.read_text().count("those before count on") == 1


def test_plain_http_at_a_port_that_speaks_tls_is_told_so(start: Started) -> None:
    server = start()

    with closing(http.client.HTTPConnection(HOST, server.port, timeout=30)) as connection:
        connection.request("GET", "/health")
        answer = connection.getresponse()
        told: dict[str, Any] = json.loads(answer.read())

    assert (answer.status, told["message"]) == (400, "this port speaks TLS: ask it by https://")


def test_an_old_version_of_tls_is_none(start: Started, consortium: LocalConsortium) -> None:
    server = start()
    old = client_of(consortium).client()
    # What this machine's library may forbid already, so that the server is asked at all.
    old.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1"):
        old.minimum_version = ssl.TLSVersion.TLSv1
    with pytest.warns(DeprecationWarning, match="TLSv1"):
        old.maximum_version = ssl.TLSVersion.TLSv1_1

    with (
        closing(socket.create_connection((HOST, server.port), 30)) as line,
        pytest.raises(ssl.SSLError, match="PROTOCOL_VERSION"),
    ):
        old.wrap_socket(line, server_hostname=HOST)
