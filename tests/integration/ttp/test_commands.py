"""A command may take as long as it likes at a worker that lives, and no time at all at one that does not."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from fakes.answering import session_request
from synergos.domain.asker import Asker
from synergos.domain.grid import Node
from synergos.domain.keys import RunKey
from synergos.errors import JobCancelled, WorkerMistaken, WorkerRefused, WorkerUnreachable
from synergos_ttp.events import Event, ParticipantAwaited, ParticipantNotAwaited
from synergos_ttp.workers.commands import VERSION, WorkerCommands
from synergos_ttp.workers.limits import Limits
from synergos_ttp.workers.retry import retry_while_lost

QUICK = Limits(connect=60, command=600, rejoin=0.2, stall=60, long_poll=0.02)
RUN = {"collab_id": "c", "project_id": "p", "expt_id": "e", "run_id": "r"}
OPENED = {"data": {"rows": {"train": 7}}}


class SlowWorker(ThreadingHTTPServer):
    """Does commands when it has been asked for its health often enough.

    Attributes:
        signs: how many times it still says that it lives.
        needed: how many times it is asked for that before a command is done.
        health: what it says of itself.
        told: the header of the last command.
    """

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.signs, self.needed = 10**6, 0
        self.answer: tuple[int, bytes] = (200, json.dumps(OPENED).encode())
        self.health: tuple[int, bytes] = (200, b'{"component": "worker", "id": "worker_1"}')
        self.told: Mapping[str, str] = {}
        self.asked = threading.Condition()
        self.ended = threading.Event()

    def commands(
        self, limits: Limits = QUICK, check: Callable[[], None] = lambda: None, version: str = VERSION
    ) -> WorkerCommands:
        host, port = self.server_address[:2]
        return WorkerCommands(Node("worker_1", str(host), port, port), limits, check, version=version)


class _Handler(BaseHTTPRequestHandler):
    server: SlowWorker

    def do_GET(self) -> None:
        with self.server.asked:
            self.server.signs -= 1
            self.server.needed -= 1
            self.server.asked.notify_all()
        if self.server.signs < 0:
            self.server.ended.wait()
        self._answer(*self.server.health)

    def do_POST(self) -> None:
        self.server.told = dict(self.headers)
        self.rfile.read(int(self.headers["Content-Length"]))
        with self.server.asked:
            self.server.asked.wait_for(lambda: self.server.needed <= 0 or self.server.ended.is_set())
        self._answer(*self.server.answer)

    def _answer(self, status: int, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def handle(self) -> None:
        try:
            super().handle()
        except OSError:
            """Whoever asked is gone."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def worker() -> Iterator[SlowWorker]:
    with SlowWorker() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.ended.set()
        with server.asked:
            server.asked.notify_all()
        server.shutdown()
        thread.join()


def test_a_worker_that_lives_may_take_its_time(worker: SlowWorker) -> None:
    worker.needed = 5

    assert worker.commands().open_session(RunKey.of(RUN), session_request({})).rows == {"train": 7}


def test_a_worker_that_stops_living_in_the_middle_of_a_command_is_lost(worker: SlowWorker) -> None:
    worker.needed, worker.signs = 10**6, 3

    with pytest.raises(WorkerUnreachable, match=r"worker_1: no sign of life at 127\.0\.0\.1"):
        worker.commands(replace(QUICK, stall=0.2)).open_session(RunKey.of(RUN), session_request({}))


def test_a_worker_that_lives_but_never_gets_ready_is_given_up_in_the_end(worker: SlowWorker) -> None:
    worker.needed = 10**6

    with pytest.raises(WorkerUnreachable, match=r"worker_1: no answer at .* within 1 s"):
        worker.commands(Limits(command=1, long_poll=0.05)).open_session(RunKey.of(RUN), session_request({}))


def test_a_command_is_left_when_the_job_is_cancelled(worker: SlowWorker) -> None:
    worker.needed = 10**6
    asked = iter(range(3))

    def check() -> None:
        if next(asked, None) is None:
            raise JobCancelled("on request")

    with pytest.raises(JobCancelled):
        worker.commands(check=check).open_session(RunKey.of(RUN), session_request({}))


def test_a_lost_worker_is_asked_again_until_patience_ends(worker: SlowWorker) -> None:
    worker.answer = (503, b'{"message": "this worker is about to end"}')
    attempts = []
    told: list[Event] = []

    def work() -> None:
        attempts.append(1)
        worker.commands().open_session(RunKey.of(RUN), session_request({}))

    with pytest.raises(WorkerRefused, match="about to end"):
        retry_while_lost(worker.commands(), work, "its session", told.append)

    assert len(attempts) == 2
    [begun, over] = told
    assert isinstance(begun, ParticipantAwaited)
    assert (begun.participant, begun.purpose) == ("worker_1", "its session")
    assert (begun.until - begun.since).total_seconds() == QUICK.rejoin
    assert "about to end" in begun.reason
    assert over == ParticipantNotAwaited("worker_1", is_back=False)


def test_a_worker_that_is_back_is_waited_for_no_longer(worker: SlowWorker) -> None:
    worker.answer = (503, b'{"message": "this worker is about to end"}')
    told: list[Event] = []

    def work() -> str:
        if not told:
            worker.commands().open_session(RunKey.of(RUN), session_request({}))
        return "done"

    assert retry_while_lost(worker.commands(Limits()), work, "its session", told.append) == "done"
    assert [type(event) for event in told] == [ParticipantAwaited, ParticipantNotAwaited]


WORKER = {"component": "worker", "id": "worker_1", "instance": "1"}


@pytest.mark.parametrize(
    ("health", "complaint"),
    [
        ({"component": "ttp", "id": "ttp_1"}, r"is a ttp, ttp_1; expected a worker"),
        ({**WORKER, "interface": "data"}, r"is the data port of worker_1; expected its command port"),
        ({**WORKER, "interface": "command"}, r"is the command port of worker_1; expected its data port"),
        ({"status": "ok"}, r"what answers at .* is not a Synergos worker"),
    ],
)
def test_what_can_never_succeed_is_not_waited_for(
    worker: SlowWorker, health: Mapping[str, str], complaint: str
) -> None:
    worker.health = (404, json.dumps(health).encode())
    told: list[Event] = []

    with pytest.raises(WorkerMistaken, match=rf"^worker_1: .*{complaint}"):
        retry_while_lost(worker.commands(Limits()), lambda: None, "its session", told.append)

    assert told == []


@pytest.mark.parametrize("greeting", [b"SSH-2.0-OpenSSH_9.6\r\n", b"\x15\x03\x01\x00\x02\x02\x16"])
def test_what_speaks_no_http_is_not_waited_for(greeting: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def greet() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.sendall(greeting)
                connection.recv(2**16)

        thread = threading.Thread(target=greet)
        thread.start()
        port = listening.getsockname()[1]
        commands = WorkerCommands(Node("worker_1", "127.0.0.1", port, port), Limits(), lambda: None)
        told: list[Event] = []

        with pytest.raises(WorkerMistaken, match=rf"^worker_1: what answers at 127\.0\.0\.1:{port} speaks no HTTP$"):
            retry_while_lost(commands, lambda: None, "its session", told.append)
        thread.join()
        assert told == []


def test_what_stands_before_a_worker_that_is_away_is_waited_for(worker: SlowWorker) -> None:
    worker.health = (502, b"<html>Bad Gateway</html>")
    told: list[Event] = []

    with pytest.raises(WorkerUnreachable, match="answers with status 502"):
        retry_while_lost(worker.commands(), lambda: None, "its session", told.append)

    assert [type(event) for event in told] == [ParticipantAwaited, ParticipantNotAwaited]


def test_a_worker_is_told_who_asks(worker: SlowWorker) -> None:
    asker = Asker("ttp/ä\n1", "job-1", "127.0.0.1")
    host, port = worker.server_address[:2]
    commands = WorkerCommands(Node("worker_1", str(host), port, port), QUICK, lambda: None, asker)

    commands.open_session(RunKey.of(RUN), session_request({}))

    assert Asker.of(worker.told, "127.0.0.1") == asker


@pytest.mark.parametrize("host", ["127.0.0.1", "nowhere.invalid", "a..b", "x" * 70, "a b"])
def test_whoever_cannot_be_reached_is_named(host: str) -> None:
    commands = WorkerCommands(Node("worker_1", host, 9, 9), QUICK, lambda: None)

    with pytest.raises(WorkerUnreachable, match="worker_1: cannot be reached at"):
        commands.greet()


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"<html>", b'{"data": 3}', b"{}", b"[" * 100_000])
def test_what_is_no_worker_is_said(worker: SlowWorker, content: bytes) -> None:
    worker.answer = (200, content)

    with pytest.raises(WorkerRefused, match=r"worker_1: what answers at .* is not a Synergos worker"):
        worker.commands().open_session(RunKey.of(RUN), session_request({}))


@pytest.mark.parametrize("version", ["0.4.0", "0.5.3", "0.6.0.dev1", "of somebody else"])
def test_a_worker_of_a_neighbouring_release_is_spoken_with(worker: SlowWorker, version: str) -> None:
    worker.health = (200, json.dumps({**WORKER, "version": version}).encode())
    commands = worker.commands(version="0.5.1")

    commands.greet()

    assert commands.open_session(RunKey.of(RUN), session_request({})).rows == {"train": 7}
    assert worker.told["Synergos-Version"] == "0.5.1"


def test_a_worker_too_far_from_this_ttp_is_told_who_is_to_update(worker: SlowWorker) -> None:
    worker.health = (200, json.dumps({**WORKER, "version": "0.3.0"}).encode())

    with pytest.raises(
        WorkerRefused, match=r"worker_1: the worker is Synergos 0\.3, this TTP is 0\.5, .*; update the worker"
    ):
        worker.commands(version="0.5.1").greet()
