"""A line is looked at hop by hop, and the first that does not hold is said in a sentence with what to do."""

from __future__ import annotations

import json
import re
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version
from typing import Any

import pytest

from servers.certificates import Authority, ServerCertificate
from servers.nobody import nobody
from synergos.doctor.bandwidth import bandwidth
from synergos.doctor.doctor import Case, diagnose
from synergos.doctor.finding import State, failing
from synergos.doctor.line import End, Examined, examine

HOST = "127.0.0.1"
TTP = {"component": "ttp", "id": "ttp_1", "version": version("synergos")}


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        health: Mapping[str, Any] | bytes = self.server.health  # type: ignore[attr-defined]
        if not isinstance(health, bytes):
            # A time is what it is when somebody asks.
            now = datetime.now(UTC)
            told = {
                name: (now + said).isoformat() if isinstance(said, timedelta) else said for name, said in health.items()
            }
            health = json.dumps(told).encode()
        content = health
        self.send_response(200 if self.path == "/health" else 404)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def do_PUT(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    def handle_error(self, *_: object) -> None:
        """Whoever looks at a line hangs up in the middle."""


@contextmanager
def answering(health: Mapping[str, Any] | bytes, identity: ServerCertificate | None = None) -> Iterator[int]:
    """A program that says this of itself, by TLS if it has an identity; its port. A time is given by how far it is ahead."""
    with _Server((HOST, 0), _Handler) as server:
        server.health = health  # type: ignore[attr-defined]
        if identity is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(identity.certificate, identity.key)
            server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield int(server.server_address[1])
        finally:
            server.shutdown()
            thread.join()


def look(port: int, host: str = HOST, *, is_secured: bool = False) -> Examined:
    return examine(End("here → there", "port", host, port, is_secured))


def said(found: Examined, hop: str) -> tuple[State, str]:
    [finding] = [finding for finding in found.findings if finding.hop == hop]
    return finding.state, finding.said


def test_a_clusters_program_says_as_whom_its_queue_lets_it_in() -> None:
    with answering({**TTP, "queue_user": "ttp"}) as port:
        assert said(look(port), "queue") == (State.FINE, "its queue lets it in as ttp")


def complaint(found: Examined) -> tuple[str, str]:
    broken = failing(found.findings)
    assert broken is not None
    assert found.findings[-1] == broken
    assert found.answered is None
    return broken.hop, broken.said


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.founded(tmp_path_factory.mktemp("known") / "authority")


def test_a_line_that_holds_says_each_hop() -> None:
    with answering(TTP) as port:
        found = look(port, "localhost")

    assert failing(found.findings) is None
    assert said(found, "name")[1].startswith("localhost is ")
    assert said(found, "port")[1].startswith(f"ttp ttp_1 answers at localhost:{port} in ")
    assert said(found, "version") == (State.FINE, f"Synergos {version('synergos')}")


def test_a_program_that_cannot_work_is_told_and_why() -> None:
    with answering({**TTP, "status": "degraded", "problems": {"outputs": "its disk is full"}}) as port:
        found = look(port)

    assert found.answered is not None
    assert said(found, "health") == (
        State.FAILED,
        "ttp ttp_1 says that it cannot work as it should: outputs: its disk is full",
    )


def test_what_a_worker_says_to_the_orchestrator_is_told_too() -> None:
    problem = "the worker says that it cannot work as it should: computing: what it computes has given no sign of life for 77 s"
    seen = {"id": "w", "version": version("synergos"), "seconds": 0.01, "clock_difference": None}
    node = {
        "key": {"participant_id": "bank_a"},
        **{"host": "127.0.0.1", "f_port": 1, "port": 1, "is_reachable": True, "problem": problem},
        **{"command": seen, "data": seen},
    }
    with answering(TTP) as port:
        findings = list(diagnose(Case(End("here → there", "port", HOST, port), lambda _: [node])))

    [found] = [each for each in findings if (each.line, each.hop) == ("the orchestrator → bank_a", "health")]
    assert (found.state, found.said) == (State.FAILED, problem)


def test_nobody_at_a_port_and_no_such_name_are_told_with_what_to_look_at() -> None:
    with nobody() as port:
        hop, text = complaint(look(port))
        assert (hop, text.split(":")[0], "is the program running" in text) == ("port", HOST, True)
        hop, text = complaint(look(port, "nowhere.invalid"))
        assert (hop, text.startswith("the name nowhere.invalid is not known here (")) == ("name", True)
        assert complaint(look(port, "a..b"))[0] == "name"


@pytest.mark.parametrize("content", [b"<html>", b"{}", b"[1]", b'{"component": 3}'])
def test_a_program_that_is_none_of_ours_is_told(content: bytes) -> None:
    with answering(content) as port:
        assert complaint(look(port)) == (
            "port",
            f"what answers at {HOST}:{port} is no program of Synergos: look at host and port",
        )


def test_tls_is_looked_at_where_the_address_says_so(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    with answering(TTP, authority.server(HOST)) as port:
        strange = look(port, is_secured=True)
        plain = look(port)
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority.certificate))
        known = look(port, is_secured=True)
        elsewhere = look(port, "localhost", is_secured=True)

    assert complaint(strange)[0] == "TLS"
    assert "does not hold: unable to get local issuer certificate; SYNERGOS_TLS_CA" in complaint(strange)[1]
    # That it is gone, or that it has not read all it was sent, whichever is heard first.
    speaks = rf"what answers at {HOST}:{port} speaks no HTTP \((RemoteDisconnected|ConnectionResetError)\)"
    hop, text = complaint(plain)
    assert (hop, bool(re.match(speaks + "; does it speak TLS, https://\\?$", text))) == ("port", True), text
    assert failing(known.findings) is None
    # It holds for an hour.
    assert said(known, "TLS")[0] is State.NOTE
    assert "Hostname mismatch" in complaint(elsewhere)[1]


def test_what_speaks_no_tls_is_told() -> None:
    with answering(TTP) as port:
        hop, text = complaint(look(port, is_secured=True))

    assert (hop, "is it plain HTTP, http://?" in text) == ("TLS", True)


@pytest.mark.parametrize(
    ("seconds", "state", "text"),
    [
        (0, State.FINE, "within "),
        (300, State.NOTE, "300 s ahead of this machine's: logs cannot be compared"),
        (-90, State.NOTE, "90 s behind this machine's"),
    ],
)
def test_clocks_that_differ_are_told(seconds: int, state: State, text: str) -> None:
    with answering({**TTP, "time": timedelta(seconds=seconds)}) as port:
        found = said(look(port), "clock")

    assert (found[0], text in found[1]) == (state, True), found


@pytest.mark.parametrize("theirs", ["9.9.0", "0.0.1"])
def test_versions_that_do_not_go_together_are_told(theirs: str) -> None:
    own = version("synergos").split(".")
    with answering({**TTP, "version": theirs}) as port:
        state, text = said(look(port), "version")

    neighbours = theirs.startswith(f"{own[0]}.") and abs(int(theirs.split(".")[1]) - int(own[1])) <= 1
    assert state is (State.NOTE if neighbours else State.FAILED)
    assert neighbours or "only neighbouring minor versions go together" in text


def test_a_line_that_lets_no_large_answer_pass_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("synergos.doctor.line.SECONDS", 0.2)
    with socket.create_server((HOST, 0)) as listening:
        begun = b"HTTP/1.1 200 OK\r\nContent-Length: 4194304\r\n\r\nbegun"

        def answer() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(2**16)
                connection.sendall(begun)
                # Until the other end has given up.
                connection.recv(1)

        thread = threading.Thread(target=answer)
        thread.start()
        found = bandwidth(End("here → there", "port", HOST, listening.getsockname()[1]))
        thread.join()

    assert found.state is State.FAILED
    assert "look at the MTU" in found.said


def test_what_has_no_route_to_measure_by_is_told() -> None:
    with answering(TTP) as port:
        found = bandwidth(End("here → there", "port", HOST, port))

    assert (found.state, found.said) == (State.NOTE, "cannot be measured with that version")
