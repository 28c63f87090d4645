"""The line to a worker: what goes in one packet, what is sent again, whom it believes."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from threading import Thread
from typing import Any

import pytest

from servers.certificates import Authority, ServerCertificate
from synergos.domain.addresses import Places
from synergos.domain.grid import Node
from synergos.errors import JobCancelled, WorkerMistaken, WorkerUnreachable
from synergos.program.destinations import Destinations
from synergos.tls.files import TlsFiles
from synergos_ttp.workers.client import Request, Transport, WorkerClient
from synergos_ttp.workers.limits import UNCOUNTED, Limits, Traffic
from synergos_ttp.workers.line import Line

QUICK = Limits(connect=60, long_poll=0.01)
STALL = 60.0
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone"


@dataclass
class Content:
    """Some pieces to send."""

    pieces: list[bytes]

    @property
    def length(self) -> int:
        return sum(map(len, self.pieces))

    def buffers(self) -> list[bytes]:
        return self.pieces


@dataclass
class Worker:
    """Answers each packet with what is next; a connection with nothing left to say ends.

    Attributes:
        scripts: the answers, connection by connection.
        heard: the packets of each connection.
    """

    listening: socket.socket
    scripts: list[list[bytes]]
    tls: ssl.SSLContext | None = None
    heard: list[list[bytes]] = field(default_factory=list)

    def client(self, transport: Transport | None = None, traffic: Traffic = UNCOUNTED) -> WorkerClient:
        host, port = self.listening.getsockname()
        limits = replace(QUICK, traffic=traffic)
        return WorkerClient(Node("worker_1", host, 1, port), port, limits, transport)

    def serve(self) -> None:
        for script in self.scripts:
            self.heard.append([])
            try:
                connection, _ = self.listening.accept()
                with connection, self.tls.wrap_socket(connection, server_side=True) if self.tls else connection as line:
                    for answer in script:
                        self.heard[-1].append(line.recv(2**20))
                        line.sendall(answer)
            except OSError:
                """Whoever called does not want to go on."""


class Counted:
    """Bytes of one worker."""

    def __init__(self) -> None:
        self.sizes: dict[str, list[int]] = {"sent": [], "received": []}

    def sent(self, participant: str, size: int, /) -> None:
        assert participant == "worker_1"
        self.sizes["sent"].append(size)

    def received(self, participant: str, size: int, /) -> None:
        assert participant == "worker_1"
        self.sizes["received"].append(size)


@pytest.fixture
def worker_saying() -> Iterator[Callable[..., Worker]]:
    made: list[tuple[Worker, Thread]] = []

    def start(*scripts: list[bytes], tls: ssl.SSLContext | None = None) -> Worker:
        worker = Worker(socket.create_server(("127.0.0.1", 0)), list(scripts), tls)
        thread = Thread(target=worker.serve, daemon=True)
        thread.start()
        made.append((worker, thread))
        return worker

    yield start
    for worker, thread in made:
        # Wakes up whoever waits for a caller.
        worker.listening.shutdown(socket.SHUT_RDWR)
        worker.listening.close()
        thread.join()


def put(*pieces: bytes) -> Request:
    return Request("PUT", "/x", STALL, Content(list(pieces)))


def test_a_small_request_is_one_packet(worker_saying: Callable[..., Worker]) -> None:
    worker = worker_saying([OK])

    with worker.client() as client:
        assert client.ask(put(b"some", b" weights")).whole(100) == b"done"

    [packet] = worker.heard[0]
    assert packet.startswith(b"PUT /x HTTP/1.1\r\n")
    assert packet.endswith(b"\r\n\r\nsome weights")


def test_requests_go_over_one_connection(worker_saying: Callable[..., Worker]) -> None:
    worker = worker_saying([OK, OK])

    with worker.client() as client:
        assert [client.ask(put(b"a")).whole(100), client.ask(put(b"b")).whole(100)] == [b"done", b"done"]

    assert [len(packets) for packets in worker.heard] == [2]


def test_a_connection_that_was_closed_at_the_other_end_is_made_anew(worker_saying: Callable[..., Worker]) -> None:
    # The second request still goes out by the first connection, which ends without an answer.
    worker = worker_saying([OK, b""], [OK])

    with worker.client() as client:
        client.ask(put(b"a")).whole(100)
        assert client.ask(put(b"b")).whole(100) == b"done"

    assert [len(packets) for packets in worker.heard] == [2, 1]


def test_what_goes_and_what_comes_is_counted_for_the_participant(worker_saying: Callable[..., Worker]) -> None:
    worker, counted = worker_saying([OK, OK], [OK]), Counted()

    with worker.client(traffic=counted) as client:
        client.ask(put(b"some", b" weights")).whole(100)
        client.ask(put(b"more"))
        client.ask(Request("GET", "/x", STALL)).fill(memoryview(bytearray(4)))

    assert counted.sizes == {"sent": [12, 4], "received": [4, 4]}


def test_a_new_connection_that_breaks_is_not_tried_again(worker_saying: Callable[..., Worker]) -> None:
    worker = worker_saying([b""], [OK])

    with worker.client() as client, pytest.raises(WorkerUnreachable, match=r"worker_1: the connection to .* was lost"):
        client.ask(put(b"a"))


def test_an_answer_that_ends_early_is_a_lost_worker(worker_saying: Callable[..., Worker]) -> None:
    worker = worker_saying([b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"])

    with worker.client() as client, pytest.raises(WorkerUnreachable, match="was lost"):
        client.ask(put(b"a")).fill(memoryview(bytearray(9)))


def test_what_was_not_read_is_not_taken_for_the_next_answer(worker_saying: Callable[..., Worker]) -> None:
    worker = worker_saying([OK], [OK.replace(b"done", b"next")])

    with worker.client() as client:
        client.ask(put(b"a"))
        assert client.ask(put(b"b")).whole(100) == b"next"


def test_whoever_gives_up_meanwhile_wants_no_answer_any_more() -> None:
    def give_up() -> None:
        raise JobCancelled("on request")

    with socket.create_server(("127.0.0.1", 0)) as silent:
        host, port = silent.getsockname()
        with WorkerClient(Node("worker_1", host, 1, port), port, QUICK) as client:
            with pytest.raises(JobCancelled):
                client.ask(Request("GET", "/x", STALL, meanwhile=give_up))
            line, _ = silent.accept()
            with line:
                heard = [line.recv(2**20), line.recv(2**20)]

    assert heard[0].startswith(b"GET /x")
    assert heard[1] == b"", "the connection was kept"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.founded(tmp_path_factory.mktemp("pki") / "authority")


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.founded(tmp_path_factory.mktemp("pki") / "stranger")


def speaking(identity: ServerCertificate) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(identity.certificate, identity.key)
    return context


def believing(authority: Authority) -> Transport:
    return Transport(TlsFiles(authority=authority.certificate).client)


def test_a_worker_behind_tls_is_believed_by_who_vouches_for_it(
    worker_saying: Callable[..., Worker], authority: Authority, stranger: Authority
) -> None:
    worker = worker_saying([OK], [OK], tls=speaking(authority.server("127.0.0.1")))

    with worker.client(believing(authority)) as client:
        assert client.ask(put(b"a", b"b")).whole(100) == b"done"
    with (
        worker.client(believing(stranger)) as client,
        pytest.raises(
            WorkerUnreachable, match=r"cannot be reached at .*: its certificate does not hold: nobody that is believed"
        ),
    ):
        client.ask(put(b"a"))


def test_a_worker_whose_certificate_is_for_another_host_is_not_believed(
    worker_saying: Callable[..., Worker], authority: Authority
) -> None:
    worker = worker_saying([OK], tls=speaking(authority.server("127.0.0.2")))

    with (
        worker.client(believing(authority)) as client,
        pytest.raises(WorkerUnreachable, match=r"does not hold: IP address mismatch"),
    ):
        client.ask(put(b"a"))


def test_a_worker_that_speaks_plain_http_is_asked_nothing_by_tls(
    worker_saying: Callable[..., Worker], authority: Authority
) -> None:
    worker = worker_saying([OK])

    with (
        worker.client(believing(authority)) as client,
        pytest.raises(WorkerUnreachable, match=r"cannot be reached at .*: it does not speak TLS$"),
    ):
        client.ask(put(b"a"))

    assert b"PUT" not in worker.heard[0][0]


class Heard(ssl.SSLSocket):
    """Takes all it is given; how much that is each time."""

    sizes: list[int]

    def send(self, data: Any, flags: int = 0) -> int:
        self.sizes.append(len(data))
        return len(data)


def test_by_tls_no_piece_is_so_large_that_nothing_seems_to_move_while_it_is_sent() -> None:
    heard = Heard.__new__(Heard)
    heard.sizes = []

    Line(heard, 1, time.monotonic() + 60, lambda: None).send(bytes(2**20))

    assert (sum(heard.sizes), max(heard.sizes)) == (2**20, 2**17)


def test_a_name_is_looked_up_once_for_a_connection_and_only_what_was_checked_is_connected_to(
    worker_saying: Callable[..., Worker], monkeypatch: pytest.MonkeyPatch
) -> None:
    worker, asked = worker_saying([OK]), []
    real = socket.getaddrinfo
    # Each time it is asked, the name says something else.
    answers = iter(["127.0.0.1", "127.0.0.2"])

    def rebinding(host: str, *arguments: Any, **options: Any) -> Any:
        if host != "worker.example.org":
            return real(host, *arguments, **options)
        asked.append(host)
        return real(next(answers), *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    port = worker.listening.getsockname()[1]
    with WorkerClient(Node("worker_1", "worker.example.org", 1, port), port, QUICK) as client:
        assert client.ask(put(b"x")).whole(100) == b"done"

    assert asked == ["worker.example.org"]
    assert f"Host: worker.example.org:{port}".encode() in worker.heard[0][0]


def test_an_address_that_is_not_allowed_is_not_connected_to(worker_saying: Callable[..., Worker]) -> None:
    worker = worker_saying([OK])
    host, port = worker.listening.getsockname()
    elsewhere = Limits(where=Destinations("--allow_nodes", Places.read(["10.0.0.0/24"])))

    with (
        WorkerClient(Node("worker_1", host, 1, port), port, elsewhere) as client,
        pytest.raises(WorkerMistaken, match=r"^worker_1: 127\.0\.0\.1:\d+ is not allowed; expected one that"),
    ):
        client.ask(put(b"x"))

    assert worker.heard in ([], [[]])
