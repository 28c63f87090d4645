"""A training goes on, and whoever asks is answered, whatever strangers with sockets do to the programs."""

from __future__ import annotations

import json
import resource
import socket
import statistics
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import requests

from fakes.quick_cluster import quick_cluster
from grids.real_grid import ENDLESS, Aside, RealGrid, Study
from support.waiting import DEADLINE, until
from synergos_simulator.datasets import Dataset
from synergos_simulator.state import Program

SOCKETS = 1000
"""At each program."""
WAITING = 32
"""Half of the threads of a port."""
SOON = 5.0
"""Seconds: whoever had to wait for a thread that a stranger keeps would wait for many times longer."""
HALVES = (
    b"",
    b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nX-",
    b"POST /anything HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\n1",
    b"POST /anything HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000000\r\n\r\n1",
)


@pytest.fixture(autouse=True)
def _files() -> Iterator[None]:
    """As many open files as the system allows."""
    least, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (least, most))


def is_under_way(study: Study, rounds: int) -> bool:
    """Whether its only training, which is queued for a moment, is so many rounds on."""
    return any(job["progress"].get("round", 0) >= rounds for job in study.jobs("train"))


def progress(study: Study) -> int:
    """Rounds of its only training so far."""
    [job] = study.jobs("train")
    assert job["state"] == "running", job
    return int(job["progress"].get("round", 0))


def half_open(stack: ExitStack, program: Program, ports: list[int]) -> list[socket.socket]:
    """Connections by which something has been begun."""
    lines = []
    for index in range(SOCKETS):
        address = (program.host, ports[index % len(ports)])
        line = stack.enter_context(socket.create_connection(address, timeout=DEADLINE))
        line.sendall(HALVES[index // len(ports) % len(HALVES)])
        lines.append(line)
    return lines


def drip(lines: list[socket.socket]) -> None:
    """One more byte by each connection that is still open."""
    for line in lines:
        try:
            line.sendall(b"x")
        except OSError:
            continue


def test_half_open_sockets_cost_no_round_and_nobody_an_answer(grid: RealGrid, wine: Dataset) -> None:
    study = Study(grid, wine, "half_open", ENDLESS)
    study.declare()
    assert study.align()["success"]
    training = Aside(study.train)
    until(lambda: is_under_way(study, 2), "the training to run")

    with ExitStack() as stack:
        lines = []
        for program in (grid.grid.ttp, *grid.grid.workers):
            ports = [program.port] if program is grid.grid.ttp else [program.port, program.data_port]
            lines += half_open(stack, program, ports)
        begun = progress(study)
        took = []
        for program in (grid.grid.ttp, *grid.grid.workers) * 3:
            drip(lines[:: len(lines) // 300])
            asked = time.monotonic()
            assert requests.get(f"{program.address}/health", timeout=DEADLINE).status_code == 200
            took.append(time.monotonic() - asked)
        until(lambda: progress(study) >= begun + 20, "the training to go on")
        assert statistics.median(took) < SOON

        [job] = study.jobs("train")
        grid.driver.jobs.cancel(job["id"])
        answer = training.answer()
    assert isinstance(answer, dict)
    assert "cancelled" in answer["message"]
    [job] = study.jobs("train")
    assert (job["state"], job["attempts"]) == ("cancelled", 1)
    assert not job["progress"].get("absent")


def test_half_open_sockets_keep_nobody_from_a_director(tmp_path: Path) -> None:
    # Without a broker, which it goes on looking for beside what it answers.
    with quick_cluster(tmp_path, 1, {}) as cluster, ExitStack() as stack:
        director = cluster.director
        lines = half_open(stack, director, [director.port])
        took = []
        for _ in range(9):
            drip(lines[::10])
            asked = time.monotonic()
            assert requests.get(f"{director.address}/health", timeout=DEADLINE).json()["component"] == "director"
            took.append(time.monotonic() - asked)
        assert statistics.median(took) < SOON
        assert cluster.driver.collaborations.create("c")["success"] == 1


def test_requests_that_wait_leave_room_for_others_and_are_let_go_when_their_clients_hang_up(
    grid: RealGrid, wine: Dataset
) -> None:
    study = Study(grid, wine, "waiting_room", ENDLESS)
    study.declare()
    assert study.align()["success"]
    training = Aside(study.train)
    until(lambda: is_under_way(study, 1), "the training to run")
    [job] = study.jobs("train")
    path = f"/ttp/connect/collaborations/{study.keys[0]}/projects/{study.keys[1]}"
    address = f"{grid.grid.ttp.address}/ttp/train/collaborations/{study.keys[0]}/projects/{study.keys[1]}/alignments"
    body = b"{}"
    question = (
        f"POST {address.removeprefix(grid.grid.ttp.address)}?check=true HTTP/1.1\r\nHost: {grid.grid.ttp.host}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body

    with ExitStack() as stack:
        lines = []
        for _ in range(WAITING - 1):
            line = socket.create_connection((grid.grid.ttp.host, grid.grid.ttp.port), timeout=DEADLINE)
            lines.append(stack.enter_context(line))
            line.sendall(question)
        until(lambda: len(study.jobs("check")) == len(lines), "all to wait")

        refused = requests.post(f"{address}?check=true", json={}, timeout=DEADLINE)
        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
        assert "respond-async" in json.loads(refused.text)["message"]
        accepted = requests.post(
            f"{address}?check=true", json={}, headers={"Prefer": "respond-async"}, timeout=DEADLINE
        )
        assert accepted.status_code == 202
        assert requests.get(f"{grid.grid.ttp.address}/health", timeout=DEADLINE).status_code == 200
        assert requests.get(f"{grid.grid.ttp.address}{path}", timeout=DEADLINE).status_code == 200

    with ExitStack() as stack:
        again = stack.enter_context(
            socket.create_connection((grid.grid.ttp.host, grid.grid.ttp.port), timeout=DEADLINE)
        )
        before = len(study.jobs("check"))

        def is_accepted() -> bool:
            again.sendall(question)
            until(lambda: len(study.jobs("check")) > before or _is_answered(again), "an answer, or a place")
            return len(study.jobs("check")) > before

        until(is_accepted, "the places of those who have hung up to be free")
    grid.driver.jobs.cancel(job["id"])
    training.answer()


def _is_answered(line: socket.socket) -> bool:
    """Whether there is an answer, which is thrown away."""
    line.settimeout(0.1)
    try:
        return bool(line.recv(2**16))
    except TimeoutError:
        return False
