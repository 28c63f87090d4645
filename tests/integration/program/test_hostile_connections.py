"""Whoever sends half of a request, or nothing, or waits for long, keeps nobody else from being answered."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress

import pytest

from servers.certificates import Authority, ServerCertificate
from support.waiting import DEADLINE, until
from synergos_simulator.grid import HOST, FreePorts

THREADS = 4
SOCKETS = 300
"""More than there are threads, and than an address may have in these tests."""
PROGRAM = f"""
import json, sys, threading
from pathlib import Path
from synergos.program.connection import keep_open
from synergos.program.open_connections import ConnectionLimits
from synergos.program.patience import waiting
from synergos.program.server import ServerSettings, serve
from synergos.tls.files import TlsFiles
from synergos.tls.secured import Secured

class Program:
    happened = threading.Event()
    waits = []

    def applications(self):
        return {{port: self.answer for port in settings.ports}}

    def answer(self, environ, start_response):
        match environ["PATH_INFO"]:
            case "/wait":
                try:
                    with waiting(environ, "do not wait") as wait:
                        self.waits.append(1)
                        wait(self.happened)
                except Exception as error:
                    start_response(f"{{getattr(error, 'code', 400)}} Refused", [("Content-Length", "0")])
                    return []
            case "/happen":
                self.happened.set()
            case "/waits":
                # A 404 until so many wait as may.
                start_response(f"{{200 if len(self.waits) >= settings.threads // 2 else 404}} Told", [("Content-Length", "0")])
                return []
            case "/kept":
                keep_open(environ)
            case "/refused":
                start_response("404 Not Found", [("Content-Length", "4")])
                return [b"none"]
            case "/large":
                start_response("200 OK", [("Content-Length", str(2**28))])
                return (bytes(2**20) for _ in range(2**8))
            case "/body":
                body = environ["wsgi.input"].read()
        start_response("200 OK", [("Content-Length", "2")])
        return [b"ok"]

    def stop(self):
        self.happened.set()

    def close(self):
        pass

told = json.loads(sys.argv[1])
if "tls" in told:
    told["tls"] = Secured(TlsFiles(*map(Path, told["tls"])))
told["connections"] = ConnectionLimits(*told.get("connections", [100]))
settings = ServerSettings("{HOST}", tuple(told.pop("ports")), threads={THREADS}, **told)
serve(Program, settings)
"""

Started = Callable[..., "Program"]


class Program:
    """The program above.

    Attributes:
        context: with which it is spoken to by TLS.
    """

    def __init__(self, *, tls: ServerCertificate | None = None, **settings: object) -> None:
        self.port, self.other_port = FreePorts()(), FreePorts()()
        told = {**settings, "ports": [self.port, self.other_port]}
        self.context: ssl.SSLContext | None = None
        if tls is not None:
            told["tls"] = [str(tls.certificate), str(tls.key)]
            self.context = ssl.create_default_context(cafile=str(tls.authority))
        self.process = subprocess.Popen([sys.executable, "-c", PROGRAM, json.dumps(told)])

    def line(self, text: bytes = b"", port: int | None = None) -> socket.socket:
        """A connection by which so much has been sent, and nothing else is."""
        line = socket.create_connection((HOST, port or self.port), timeout=DEADLINE)
        # Of an address that has too many some are turned away, and may hear of it while they send.
        with suppress(ConnectionError):
            line.sendall(text)
        return line

    def connection(self, port: int | None = None) -> http.client.HTTPConnection:
        if self.context is not None:
            return http.client.HTTPSConnection(HOST, port or self.port, timeout=DEADLINE, context=self.context)
        return http.client.HTTPConnection(HOST, port or self.port, timeout=DEADLINE)

    def status(self, method: str = "GET", path: str = "/health", port: int | None = None) -> int:
        with closing(self.connection(port)) as connection:
            connection.request(method, path, headers={"Connection": "close"})
            return connection.getresponse().status

    def answers(self) -> bool:
        try:
            return self.status() == 200
        except OSError:
            return False


@pytest.fixture
def started() -> Iterator[Started]:
    """Starts the program with settings; nothing that is waited for ends by itself unless they say so."""
    programs: list[Program] = []

    def start(**settings: object) -> Program:
        programs.append(Program(**{"request_seconds": 600.0, "idle_seconds": 600.0, **settings}))  # type: ignore[arg-type]
        until(programs[-1].answers, "the program to answer")
        return programs[-1]

    yield start
    for program in programs:
        program.process.kill()
        program.process.wait()


HALVES = {
    "nothing": b"",
    "half a header": b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nX-",
    "half a body": b"PUT /body HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\n1",
    "half a long body": b"PUT /body HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100000\r\n\r\n1",
    "a chunk without an end": b"PUT /body HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nab",
    "a body to be asked for": b"PUT /body HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n",
    "a large answer that nobody reads": b"GET /large HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    "a last answer behind which nobody hangs up": b"GET / HTTP/1.0\r\n\r\n",
}


@pytest.mark.parametrize("half", HALVES)
def test_strangers_keep_nobody_from_being_answered(started: Started, half: str) -> None:
    program = started()
    with ExitStack() as stack:
        for port in (program.port, program.other_port) * (SOCKETS // 2):
            stack.enter_context(program.line(HALVES[half], port))

        # Requests that are complete give way to nobody: until some of as many as an address may have are answered, it has no other.
        until(program.answers, "whole requests to be answered")
        assert program.status() == 200
        assert program.status("POST", "/ttp/jobs/1/cancel") == 200
        assert program.status("POST", "/anything") == 200


def test_slow_readers_have_few_places_and_those_who_come_back_need_none(started: Started) -> None:
    program = started()
    with ExitStack() as stack:
        known = [stack.enter_context(closing(program.connection())) for _ in range(2)]
        for each in known:
            each.request("GET", "/kept")
            assert each.getresponse().read() == b"ok"
        strangers = [stack.enter_context(program.line(HALVES["a large answer that nobody reads"])) for _ in range(9)]
        assert program.status("POST", "/anything") == 200

        for each in known:
            each.request("GET", "/large")
        assert [len(each.getresponse().read()) for each in known] == [2**28] * 2
        assert sum(_length(line) == 2**28 for line in strangers) == 1


def _length(line: socket.socket) -> int:
    """Bytes of the body of the answer that comes, until it ends or breaks off."""
    answer = http.client.HTTPResponse(line)
    answer.begin()
    try:
        return len(answer.read())
    except http.client.IncompleteRead as error:
        return len(error.partial)


def test_what_comes_byte_by_byte_keeps_nobody_from_being_answered(started: Started) -> None:
    program = started()
    with ExitStack() as stack:
        lines = [stack.enter_context(program.line(b"GET /health HTTP/1.1\r\nX: ")) for _ in range(SOCKETS // 4)]
        for _ in range(20):
            for line in lines:
                line.sendall(b"x")

        assert program.status() == 200
        for line in lines:
            line.sendall(b"\r\n\r\n")
        assert [line.recv(15) for line in lines] == [b"HTTP/1.1 200 OK"] * len(lines)


def test_a_part_of_a_request_is_answered_when_its_time_is_over(started: Started) -> None:
    program = started(request_seconds=0.2)

    for half in ("half a header", "half a body"):
        answer = answer_to(program, HALVES[half])
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert "all of it within 0.2 seconds" in json.loads(answer.partition(b"\r\n\r\n")[2])["message"]
    with program.line() as silent:
        assert silent.recv(1) == b""


def answer_to(program: Program, part: bytes) -> bytes:
    """Of somebody who has sent a part before its time was over; a busy machine may not get that far, and is told nothing then."""
    answers: list[bytes] = []

    def is_told() -> bool:
        with program.line(part) as line, line.makefile("rb") as told:
            answers.append(told.read())
        return bool(answers[-1])

    until(is_told, "an answer to what was sent in time")
    return answers[-1]


def test_an_idle_connection_is_closed_unless_its_client_is_known_to_come_back(started: Started) -> None:
    program = started(idle_seconds=0.2, linger=0.0)
    with closing(program.connection()) as stranger, closing(program.connection()) as known:
        for connection, path in ((stranger, "/"), (known, "/kept")):
            connection.request("GET", path)
            assert connection.getresponse().read() == b"ok"

        # It becomes readable when it is closed.
        assert stranger.sock.recv(1) == b""
        known.request("GET", "/")
        assert known.getresponse().read() == b"ok"


def test_half_of_the_threads_wait_and_the_others_say_that_they_do_not(started: Started) -> None:
    program = started()
    with ExitStack() as stack:
        waiting = [
            stack.enter_context(program.line(b"GET /wait HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"))
            for _ in range(THREADS // 2)
        ]
        # Whoever asks for a place to see whether there is one would wait itself.
        until(lambda: program.status("GET", "/waits") == 200, "the places to be taken")
        assert program.status("GET", "/wait") == 503

        assert program.status("GET", "/any") == 200
        waiting[0].close()
        again = stack.enter_context(closing(program.connection()))
        until(lambda: _has_a_place(program), "the place of who has hung up to be free")
        assert program.status("POST", "/happen") == 200
        assert waiting[1].recv(15) == b"HTTP/1.1 200 OK"
        again.close()


def _has_a_place(program: Program) -> bool:
    """Whether a request that waits is not refused soon; its client hangs up then."""
    with program.line(b"GET /wait HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n") as line:
        line.settimeout(1.0)
        try:
            return not line.recv(1)
        except TimeoutError:
            return True


def test_who_is_refused_learns_why_though_all_was_not_read(started: Started) -> None:
    program = started()
    with closing(program.connection()) as connection:
        connection.request("PUT", "/refused", bytes(2**23))

        answer = connection.getresponse()

        assert (answer.status, answer.read()) == (404, b"none")


def test_what_is_no_http_is_refused_in_the_form_of_all_errors(started: Started) -> None:
    program = started()
    requests = {
        b"GET / HTTP/1.1\nHost: a\n\n": 400,
        b"GET / HTTP/9.9\r\n\r\n": 400,
        b"GET /" + b"a" * 10_000 + b" HTTP/1.1\r\n\r\n": 414,
        b"GET / HTTP/1.1\r\nX: " + b"a" * 9_000 + b"\r\n\r\n": 431,
        b"GET / HTTP/1.1\r\nX: " + b"a" * 100_000: 431,
        b"PUT / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n": 400,
        b"PUT / HTTP/1.1\r\nContent-Length: abc\r\n\r\n": 400,
        b"PUT / HTTP/1.1\r\nTransfer-Encoding: odd\r\n\r\n": 501,
    }
    for text, status in requests.items():
        with program.line(text) as line, line.makefile("rb") as told:
            answer = told.read()
        assert answer.startswith(f"HTTP/1.1 {status} ".encode()), text[:40]
        assert json.loads(answer.partition(b"\r\n\r\n")[2])["status"] == status


def test_requests_that_come_together_are_answered_one_after_the_other(started: Started) -> None:
    program = started()
    with (
        program.line(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" * 50 + b"GET / HTTP/1.0\r\n\r\n") as line,
        line.makefile("rb") as told,
    ):
        assert told.read().count(b"200 OK") == 51


def test_a_client_that_waits_to_be_asked_for_its_body_is_asked(started: Started) -> None:
    program = started()
    with program.line(HALVES["a body to be asked for"]) as line, line.makefile("rb") as told:
        assert told.readline() == b"HTTP/1.1 100 Continue\r\n"
        line.sendall(b"body")
        assert told.readline() == b"\r\n"
        assert told.readline() == b"HTTP/1.1 200 OK\r\n"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> ServerCertificate:
    return Authority.founded(tmp_path_factory.mktemp("tls") / "authority").server(HOST)


@pytest.mark.parametrize("half", [b"", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"])
def test_handshakes_that_are_not_finished_keep_nobody_from_being_answered(
    started: Started, certificate: ServerCertificate, half: bytes
) -> None:
    program = started(tls=certificate)
    with ExitStack() as stack:
        for _ in range(SOCKETS):
            stack.enter_context(program.line(half))

        assert program.status() == 200


def test_a_handshake_has_its_time(started: Started, certificate: ServerCertificate) -> None:
    program = started(tls=certificate, request_seconds=0.5)

    with program.line(b"\x16\x03\x01") as line:
        assert line.recv(1) == b""
    # Whoever finishes in time is answered; a busy machine may have to try again.
    until(program.answers, "a handshake that is finished to be answered")


def test_requests_by_tls_are_read_whatever_pieces_they_come_in(
    started: Started, certificate: ServerCertificate
) -> None:
    program = started(tls=certificate)
    with closing(program.connection()) as connection:
        for size in (0, 10, 30_000, 40_000, 10**6, 5):
            connection.request("PUT", "/body", bytes(size))
            assert connection.getresponse().read() == b"ok"
        connection.request("GET", "/large")
        assert len(connection.getresponse().read()) == 2**28
