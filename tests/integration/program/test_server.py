"""The server as a process: connections that are kept, and threads that wait for what comes by them."""

from __future__ import annotations

import http.client
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing

import pytest

from support.waiting import until
from synergos_simulator.grid import HOST, FreePorts

THREADS = 4
PROGRAM = f"""
import sys
from synergos.program.server import ServerSettings, serve

class Echo:
    def applications(self):
        return {{int(sys.argv[1]): self.answer}}

    def answer(self, environ, start_response):
        body = environ["wsgi.input"].read()
        start_response("200 OK", [("Content-Length", str(len(body)))])
        return [body]

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


def echo(connection: http.client.HTTPConnection, body: bytes) -> bytes:
    connection.request("PUT", "/", body)
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
    assert (told, server.process.returncode) == ("closed\n", 0)
