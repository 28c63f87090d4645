"""The server as a process: connections that are kept, and threads that wait for what comes by them."""

from __future__ import annotations

import http.client
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing

import pytest
from structlog.testing import capture_logs

from support.waiting import until
from synergos.program.server import await_ports
from synergos_simulator.grid import HOST, FreePorts

THREADS = 4
PROGRAM = f"""
import io, sys, tempfile
from synergos.program.server import ServerSettings, serve

class Echo:
    def applications(self):
        return {{int(sys.argv[1]): self.answer}}

    def answer(self, environ, start_response):
        body = environ["wsgi.input"].read()
        match environ["PATH_INFO"]:
            case "/field":
                body = environ.get("HTTP_X_FIELD", "none").encode()
            case "/pieces":
                start_response("200 OK", [])
                return [b"some", b" ", b"pieces"]
            case "/file":
                start_response("200 OK", [("Content-Length", str(len(body)))])
                file = tempfile.TemporaryFile()
                file.write(body)
                file.seek(0)
                return environ["wsgi.file_wrapper"](file)
            case "/memory":
                start_response("200 OK", [("Content-Length", str(len(body)))])
                return environ["wsgi.file_wrapper"](io.BytesIO(body))
            case "/nothing":
                start_response("204 No Content", [])
                return []
            case "/late":
                start_response("200 OK", [("Content-Length", "8")])
                return self.fail_late()
            case "/early":
                start_response("200 OK", [("Content-Length", "8")])
                raise ValueError("before anything was sent")
        start_response("200 OK", [("Content-Length", str(len(body)))])
        return [body]

    def by_heart(self, port, client, request):
        head, _, body = request.partition(b"\\r\\n\\r\\n")
        if head.startswith(b"GET /heart/") and not body:
            length = int(head.split()[1].rpartition(b"/")[2])
            return b"HTTP/1.1 200 OK\\r\\nContent-Length: %d\\r\\n\\r\\n" % length + bytes(length)

    def fail_late(self):
        yield b"half"
        raise ValueError("in the middle")

    def stop(self):
        pass

    def close(self):
        print("closed", flush=True)

serve(Echo, ServerSettings("{HOST}", (int(sys.argv[1]),), threads={THREADS}, linger=600.0))
"""


class Server:
    """The program above; its threads wait for the next request of a connection longer than any test takes."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.process = subprocess.Popen([sys.executable, "-c", PROGRAM, str(port)], stdout=subprocess.PIPE, text=True)

    def connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(HOST, self.port, timeout=60)

    def answers(self) -> bool:
        with closing(self.connection()) as connection:
            try:
                return echo(connection, b"?") == b"?"
            except OSError:
                return False


def echo(connection: http.client.HTTPConnection, body: bytes, path: str = "/", **fields: str) -> bytes:
    connection.request("PUT", path, body, fields)
    return connection.getresponse().read()


@pytest.fixture
def server() -> Iterator[Server]:
    found = Server(FreePorts()())
    try:
        until(found.answers, "the server to answer")
        yield found
    finally:
        found.process.kill()
        found.process.communicate()


def test_a_kept_connection_carries_one_request_after_another(server: Server) -> None:
    with closing(server.connection()) as connection:
        assert [echo(connection, bytes([number])) for number in range(50)] == [bytes([number]) for number in range(50)]


def test_an_address_may_name_much(server: Server) -> None:
    """A launch of a hundred runs whose names are long, for instance."""
    chosen = "&".join(f"run={'e' * 36}%2F{number:0>36}" for number in range(100))

    with closing(server.connection()) as connection:
        assert echo(connection, b"content", f"/launch?{chosen}"[:8170]) == b"content"


def test_each_request_by_a_kept_connection_has_its_own_fields(server: Server) -> None:
    with closing(server.connection()) as connection:
        found = [echo(connection, b"", "/field", **{"X-Field": value}) for value in ("a", "a", "b", "b")]
        without = echo(connection, b"", "/field")

    assert (found, without) == ([b"a", b"a", b"b", b"b"], b"none")


def test_an_answer_is_framed_however_it_is_made(server: Server) -> None:
    with closing(server.connection()) as connection:
        for _ in range(2):
            assert echo(connection, b"", "/pieces") == b"some pieces"
            assert echo(connection, b"content", "/file") == b"content"
            assert echo(connection, b"content", "/memory") == b"content"
            assert echo(connection, b"", "/nothing") == b""
            connection.request("HEAD", "/")
            assert connection.getresponse().read() == b""


def test_what_is_known_by_heart_is_answered_as_a_whole_however_long_it_is(server: Server) -> None:
    with closing(server.connection()) as connection:
        for length in (3, 20_000_000, 3):
            connection.request("GET", f"/heart/{length}")
            assert connection.getresponse().read() == bytes(length)
        assert echo(connection, b"content") == b"content"


def test_a_small_answer_is_one_packet(server: Server) -> None:
    with socket.create_connection((HOST, server.port), timeout=60) as line:
        for _ in range(3):
            line.sendall(f"PUT / HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 4\r\n\r\nbody".encode())

            assert line.recv(2**16).endswith(b"\r\n\r\nbody")


def test_an_answer_that_fails_is_told_from_one_that_is_whole(server: Server) -> None:
    for times in range(2):
        with closing(server.connection()) as connection:
            for _ in range(times):
                echo(connection, b"first")
            with pytest.raises(http.client.IncompleteRead):
                echo(connection, b"", "/late")
        with closing(server.connection()) as connection:
            connection.request("PUT", "/early")
            assert connection.getresponse().status == 500


def test_idle_connections_keep_no_newcomer_from_being_answered(server: Server) -> None:
    with ExitStack() as stack:
        idle = [stack.enter_context(closing(server.connection())) for _ in range(2 * THREADS)]
        for connection in idle:
            echo(connection, b"first")

        assert server.answers()
        assert [echo(connection, b"again") for connection in idle] == [b"again"] * len(idle)


def test_threads_that_wait_do_not_keep_the_program_from_ending(server: Server) -> None:
    with closing(server.connection()) as connection:
        echo(connection, b"first")

        server.process.send_signal(signal.SIGTERM)

        told, _ = server.process.communicate(timeout=60)
    assert (told.splitlines()[-1], server.process.returncode) == ("closed", 0)


def test_a_port_that_another_program_has_is_said_in_one_line() -> None:
    with socket.create_server((HOST, 0)) as taken, capture_logs() as logs:
        port = taken.getsockname()[1]
        with pytest.raises(SystemExit):
            await_ports(HOST, [port], {port: "--data_port"}, patience=0.0)

    said = f"cannot listen at {HOST}:{port}: another program listens there; another is said by --data_port"
    assert [line["reason"] for line in logs] == [said]


def test_an_address_of_another_machine_is_not_waited_for() -> None:
    with capture_logs() as logs, pytest.raises(SystemExit):
        await_ports("192.0.2.1", [5000], {5000: "--port"}, patience=600.0)

    said = "cannot listen at 192.0.2.1:5000: Cannot assign requested address; another is said by --host"
    assert [line["reason"] for line in logs] == [said]


def test_whoever_is_leaving_a_port_is_waited_for() -> None:
    taken = socket.create_server((HOST, 0))
    leaving = threading.Timer(0.2, taken.close)
    leaving.start()

    await_ports(HOST, [taken.getsockname()[1]], patience=60.0)

    leaving.join()
    assert taken.fileno() == -1
