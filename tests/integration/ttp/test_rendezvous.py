"""A rendezvous as a process of its own, and workers that arrive there, or pretend to."""

from __future__ import annotations

import http.client
import json
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from support.waiting import until
from synergos.identity.arrival import RENDEZVOUS, UPGRADE, Keeper, arrive, keeper_of, nonce
from synergos.identity.identity import Identity, Renewable
from synergos_simulator.grid import HOST, FreePorts
from synergos_worker.joining.dialler import Dialler
from synergos_worker.joining.rendezvous import Meeting

PROGRAM = f"""
import sys, time
from pathlib import Path
from synergos.identity.identity import Renewable
from synergos.program.server import ServerSettings, serve
from synergos_ttp.rendezvous.app import RendezvousApp
from synergos_ttp.rendezvous.rendezvous import Rendezvous

port, other, keys = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])

class Service:
    def __init__(self):
        self.rendezvous = Rendezvous(lambda fingerprint: True)
        self.rendezvous.start()

    def applications(self):
        return {{port: self.ask, other: RendezvousApp(self.rendezvous, Renewable(keys), "ttp", lambda: None, time.monotonic)}}

    def ask(self, environ, start_response):
        fingerprint, _, interface = environ["PATH_INFO"].strip("/").partition("/")
        try:
            line = self.rendezvous.claim(fingerprint, int(interface or 0), 30.0)
            line.sendall(b"question")
            answer = line.recv(100)
            line.close()
        except OSError as error:
            answer = str(error.strerror).encode()
        start_response("200 OK", [("Content-Length", str(len(answer)))])
        return [answer]

    def stop(self):
        pass

    def close(self):
        self.rendezvous.close()

serve(Service, ServerSettings("{HOST}", (port, other), request_seconds=2.0))
"""


class Place:
    """The program above."""

    def __init__(self, folder: Path) -> None:
        free_port = FreePorts()
        self.port, self.rendezvous = free_port(), free_port()
        self._keys = folder / "ttp.json"
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-c", PROGRAM, str(self.port), str(self.rendezvous), str(self._keys)]
        self.process = subprocess.Popen(command)
        until(self._is_there, "the rendezvous to be there")

    def end(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)

    def ask(self, fingerprint: str, port: int = 5000) -> bytes:
        with urllib.request.urlopen(f"http://{HOST}:{self.port}/{fingerprint}/{port}", timeout=60) as answer:
            return bytes(answer.read())

    def arrival(self, said: Callable[[Keeper], dict[str, Any]]) -> tuple[int, dict[str, Any]]:
        """What is answered to somebody's arrival: status and content."""
        line = http.client.HTTPConnection(HOST, self.rendezvous, timeout=60)
        drawn = nonce()
        line.request("GET", f"{RENDEZVOUS}?nonce={drawn}")
        keeper = keeper_of(line.getresponse().read(), drawn)
        line.request("POST", RENDEZVOUS, json.dumps(said(keeper)), {"Upgrade": UPGRADE, "Connection": "Upgrade"})
        answer = line.getresponse()
        told = {} if answer.status == 101 else json.loads(answer.read())
        line.close()
        return answer.status, told

    def _is_there(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://{HOST}:{self.rendezvous}/health", timeout=5) as answer:
                return bool(json.load(answer)["interface"] == "rendezvous")
        except OSError:
            return False


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    found = Place(tmp_path_factory.mktemp("rendezvous"))
    yield found
    if found.process.poll() is None:
        found.process.kill()
        found.process.wait(60)


class Worker:
    """A worker that answers a question with the port that it came to."""

    def __init__(self, folder: Path, place: Place, instance: str = "instance") -> None:
        self._place = place
        self.keys = Renewable(folder / "worker.json")
        self.dialler = Dialler(Meeting(HOST, place.rendezvous), self.keys, instance, (1, 2))
        self.dialler.start(self.adopt)

    @property
    def fingerprint(self) -> str:
        return self.keys.now.fingerprint

    def adopt(self, connection: socket.socket, _client: object, server: tuple[str, int]) -> None:
        def answer() -> None:
            with connection:
                connection.settimeout(60)
                connection.sendall(connection.recv(8) + b" at %d" % server[1])

        threading.Thread(target=answer).start()

    def has_joined(self) -> bool:
        """Whether both ends know: the worker does a moment before."""
        has_arrived = self.dialler.joined.since is not None
        return has_arrived and self._place.ask(self.fingerprint) == b"question at 1"


@pytest.fixture
def worker(tmp_path: Path, place: Place) -> Iterator[Worker]:
    found = Worker(tmp_path, place)
    yield found
    found.dialler.close()


def test_a_worker_is_asked_at_either_port_many_times_at_once(place: Place, worker: Worker) -> None:
    until(worker.has_joined, "it to join")
    answers: list[bytes] = []

    def ask(port: int) -> None:
        answers.append(place.ask(worker.fingerprint, port))

    threads = [threading.Thread(target=ask, args=(port,)) for port in (5000, 8020) * 12]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert sorted(answers) == [b"question at 1"] * 12 + [b"question at 2"] * 12


def test_a_worker_comes_back_when_its_orchestrator_does_and_says_meanwhile_what_is_wrong(
    place: Place, worker: Worker
) -> None:
    until(worker.has_joined, "it to join")

    assert place.end() == 0
    until(lambda: worker.dialler.joined.problem is not None, "it to see that")
    place.start()
    until(worker.has_joined, "it to join again")

    assert place.ask(worker.fingerprint) == b"question at 1"


def test_a_worker_that_ends_is_gone_at_once(place: Place, worker: Worker) -> None:
    until(worker.has_joined, "it to join")
    assert place.ask(worker.fingerprint) == b"question at 1"

    worker.dialler.close()

    until(lambda: b"has not joined" in place.ask(worker.fingerprint), "it to be gone")


def test_whoever_cannot_prove_who_it_is_does_not_arrive(place: Place, worker: Worker, tmp_path: Path) -> None:
    until(worker.has_joined, "it to join")
    impostor = Identity.new()
    recorded: list[dict[str, Any]] = []

    def record(keeper: Keeper) -> dict[str, Any]:
        recorded.append(arrive(impostor, keeper, "i", 1.0))
        return recorded[-1]

    def pretend(keeper: Keeper) -> dict[str, Any]:
        said = arrive(impostor, keeper, "i", 2.0**40)
        arrival: Any = said["arrival"]
        arrival["statement"] = {**arrival["statement"], "issuer": worker.fingerprint}
        return said

    first = place.arrival(record)
    answers = [place.arrival(pretend), place.arrival(lambda _keeper: recorded[0]), place.arrival(lambda _keeper: {})]

    assert first[0] == 101
    assert [status for status, _ in answers] == [400, 400, 400]
    assert "twice" in answers[1][1]["message"]
    assert place.ask(worker.fingerprint) == b"question at 1"


def test_who_keeps_connections_half_open_keeps_nobody_from_arriving(place: Place, tmp_path: Path) -> None:
    with ExitStack() as stack:
        for number in range(200):
            line = stack.enter_context(socket.create_connection((HOST, place.rendezvous), timeout=60))
            line.sendall(b"POST /rendezvous HTTP/1.1\r\nContent-Length: 100000\r\n\r\n{"[: number % 60])
        worker = Worker(tmp_path, place)
        stack.callback(worker.dialler.close)

        until(worker.has_joined, "it to join")
        assert place.ask(worker.fingerprint) == b"question at 1"


@pytest.mark.parametrize(
    ("method", "path", "fields", "status"),
    [
        ("GET", "/", {}, 404),
        ("GET", RENDEZVOUS, {}, 400),
        ("GET", f"{RENDEZVOUS}?nonce=zz", {}, 400),
        ("POST", RENDEZVOUS, {}, 400),
        ("POST", RENDEZVOUS, {"Upgrade": UPGRADE}, 400),
        ("POST", RENDEZVOUS, {"Upgrade": UPGRADE, "Content-Length": "1000000"}, 413),
        ("PUT", RENDEZVOUS, {}, 404),
    ],
)
def test_what_is_no_arrival_is_refused(
    place: Place, method: str, path: str, fields: dict[str, str], status: int
) -> None:
    line = http.client.HTTPConnection(HOST, place.rendezvous, timeout=60)
    line.request(method, path, headers=fields)
    answer = line.getresponse()

    assert (answer.status, json.loads(answer.read())["success"]) == (status, 0)
    line.close()
