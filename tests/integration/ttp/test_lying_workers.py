"""Whatever a worker answers, and however slowly: it is that participant's failure by name, in little memory and in time."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
import torch

from fakes.answering import session_request
from synergos.domain.feature_space import Action
from synergos.domain.grid import Node
from synergos.domain.keys import ProjectKey, RunKey
from synergos.domain.tags import Purpose
from synergos.errors import GridError, JobCancelled, WireFormatError, WorkerRefused, WorkerUnreachable
from synergos.learning.algorithms import Step
from synergos.wire import Layout, encode
from synergos_ttp.workers.answer_memory import AnswerMemory, Destination
from synergos_ttp.workers.commands import WorkerCommands
from synergos_ttp.workers.data_plane import DataPlane
from synergos_ttp.workers.limits import Limits

RUN = RunKey("c", "p", "e", "r")
PROJECT = ProjectKey("c", "p")
TAGS = {Purpose.TRAIN: [("t",)]}
WEIGHTS = {"w": torch.tensor([1.0, 2.0])}
QUICK = Limits(connect=0.5, command=0.5, preparation=0.5, round=0.5, rejoin=0.1, stall=60, long_poll=0.02)
"""For whoever takes too long; what is answered at once has as much time as a busy machine may take."""
PATIENT = Limits(connect=60, command=60, preparation=60, round=60, stall=60, long_poll=0.02)
ENDLESS = 4 * 10**8


@dataclass
class Liar:
    """Answers each question with the same bytes, and then with one more every now and then until it is ended."""

    listening: socket.socket
    says: bytes
    drips: bool = False
    asked: list[bytes] = field(default_factory=list)
    ended: Event = field(default_factory=Event)

    @property
    def node(self) -> Node:
        host, port = self.listening.getsockname()
        return Node("worker_1", host, port, port)

    def commands(self, limits: Limits = PATIENT, check: Callable[[], None] = lambda: None) -> WorkerCommands:
        return WorkerCommands(self.node, limits, check)

    def serve(self) -> None:
        while not self.ended.is_set():
            try:
                line, _ = self.listening.accept()
            except OSError:
                return
            Thread(target=self._talk, args=(line,), daemon=True).start()

    def _talk(self, line: socket.socket) -> None:
        with line:
            try:
                while (heard := line.recv(2**20)) and not self.ended.is_set():
                    self.asked.append(heard)
                    line.sendall(self.says)
                    while self.drips and not self.ended.wait(0.02):
                        line.sendall(b"1")
            except OSError:
                """Whoever asked has had enough."""


@pytest.fixture
def liar_saying() -> Iterator[Callable[..., Liar]]:
    made: list[tuple[Liar, Thread]] = []

    def start(says: bytes, *, drips: bool = False) -> Liar:
        liar = Liar(socket.create_server(("127.0.0.1", 0)), says, drips)
        thread = Thread(target=liar.serve, daemon=True)
        thread.start()
        made.append((liar, thread))
        return liar

    yield start
    for liar, thread in made:
        liar.ended.set()
        liar.listening.shutdown(socket.SHUT_RDWR)
        liar.listening.close()
        thread.join()


def answer(content: bytes, status: int = 200, length: int | None = None) -> bytes:
    length = len(content) if length is None else length
    return b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n" % (status, length) + content


def data(**told: object) -> bytes:
    return answer(json.dumps({"data": told}).encode())


def cancelled_after(checks: int) -> Callable[[], None]:
    left = iter(range(checks))

    def check() -> None:
        if next(left, None) is None:
            raise JobCancelled("on request")

    return check


def exchange(plane: DataPlane, folder: Path) -> object:
    path = folder / "answer"
    target = Destination(lambda: path, AnswerMemory(), lambda: path.open("wb"))
    return plane.exchange(Step(0), encode(WEIGHTS, {"round": 0}), Layout.of(WEIGHTS), target)


ASKED: Mapping[str, Callable[[WorkerCommands], object]] = {
    "greet": lambda commands: commands.greet(),
    "prepare": lambda commands: commands.prepare(PROJECT, Action.CLASSIFY, TAGS),
    "open": lambda commands: commands.open_session(RUN, session_request({})),
    "measure": lambda commands: commands.measure(RUN, "s", Purpose.EVALUATE),
    "close": lambda commands: commands.close_session(RUN, "s"),
}


@pytest.mark.parametrize("status", [200, 202, 500])
@pytest.mark.parametrize("asked", ASKED)
def test_a_byte_now_and_then_is_no_answer(liar_saying: Callable[..., Liar], asked: str, status: int) -> None:
    liar = liar_saying(answer(b"", status, ENDLESS if asked == "greet" else 100_000), drips=True)
    # On a machine that stands still the answer may not even have begun in time.
    ended = r"^worker_1: (what it answers at .* takes too long to come|no answer at .* within 0 s)"
    with pytest.raises(GridError, match=ended):
        ASKED[asked](liar.commands(QUICK))


@pytest.mark.parametrize("asked", ["greet", "prepare", "open", "measure"])
def test_a_cancel_cuts_an_answer_that_drips(liar_saying: Callable[..., Liar], asked: str) -> None:
    liar = liar_saying(answer(b"", length=100_000), drips=True)
    with pytest.raises(JobCancelled):
        ASKED[asked](liar.commands(check=cancelled_after(20)))


def test_a_session_is_ended_also_when_the_job_is_cancelled(liar_saying: Callable[..., Liar]) -> None:
    liar = liar_saying(data())
    liar.commands(check=cancelled_after(0)).close_session(RUN, "s")
    assert b"terminate" in liar.asked[0]


@pytest.mark.parametrize("status", [200, 202, 500])
@pytest.mark.parametrize("asked", ["prepare", "open", "measure", "close"])
def test_an_answer_without_end_is_not_read(liar_saying: Callable[..., Liar], asked: str, status: int) -> None:
    liar = liar_saying(answer(b"", status, ENDLESS))
    with pytest.raises(WireFormatError, match=r"^worker_1: answers with more than \d+ bytes"):
        ASKED[asked](liar.commands())


def test_an_answer_in_pieces_without_end_is_not_read(liar_saying: Callable[..., Liar]) -> None:
    piece = b"40000\r\n" + b" " * 0x40000 + b"\r\n"
    liar = liar_saying(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + 2 * piece)
    with pytest.raises(WireFormatError, match=r"^worker_1: answers with more than \d+ bytes"):
        ASKED["open"](liar.commands())


@pytest.mark.parametrize(
    ("asked", "told", "complaint"),
    [
        ("open", {}, "rows is not as agreed; is required"),
        ("open", {"rows": [1]}, "rows is not as agreed"),
        ("open", {"rows": {"train": "7"}}, "not as agreed"),
        ("open", {"rows": {"train": 10**400}}, "not as agreed"),
        ("open", {"rows": {"train": -1}}, "not as agreed"),
        ("open", {"rows": {"train": 7}, "measurable": {"evaluate": "3"}}, "not as agreed"),
        ("open", {"rows": {"evaluate": 2}, "measurable": {"evaluate": 3}}, "3 of its 2 evaluate rows can be measured"),
        ("prepare", {}, "preparation is not as agreed; is required"),
        ("prepare", {"preparation": "1"}, "state is not as agreed; is required"),
        ("prepare", {"preparation": "1", "state": "asleep"}, "state is not as agreed; expected one of"),
        ("prepare", {"preparation": 1, "state": "running"}, "preparation is not as agreed; expected a string"),
        ("prepare", {"preparation": "1", "state": "completed"}, "headers is not as agreed; is required"),
        (
            "prepare",
            {"preparation": "1", "state": "completed", "headers": {}, "schemas": {}, "metadata": {}},
            "tells of something else",
        ),
        ("measure", {"results": 5}, "results is not as agreed"),
        ("measure", {"results": {}}, r"results\.evaluate is not as agreed"),
        ("measure", {"results": {"evaluate": 5}}, "not as agreed"),
        ("measure", {"results": {"evaluate": {"statistics": 1, "res_path": ""}}}, "not as agreed"),
    ],
)
def test_an_answer_that_is_not_as_agreed_names_who_and_what(
    liar_saying: Callable[..., Liar], asked: str, told: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(WireFormatError, match=f"^worker_1: .*{complaint}"):
        ASKED[asked](liar_saying(data(**told)).commands())


@pytest.mark.parametrize(
    "says",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n",
        answer(b"[" * 100_000),
        answer(b'{"data": {"rows": ' + b"[" * 100_000),
        answer(b'{"data": {"rows": {"train": ' + b"9" * 5000 + b"}}}"),
        answer(b'{"data": {"rows": {"train": NaN}}}'),
        answer(b'{"data": {"rows": {"\xff": 1}}}'),
        answer(b"[" * 100_000, 500),
    ],
)
def test_what_is_no_answer_at_all_is_its_participants_failure(liar_saying: Callable[..., Liar], says: bytes) -> None:
    with pytest.raises(GridError, match=r"^worker_1: "):
        ASKED["open"](liar_saying(says).commands())


@pytest.mark.parametrize(("asked", "told"), [("measure", {}), ("prepare", {"preparation": "1", "state": "running"})])
def test_work_that_never_ends_is_given_up(liar_saying: Callable[..., Liar], asked: str, told: dict[str, Any]) -> None:
    # Whichever ends first: the wait for the work, or the time that an answer may take to come.
    ended = r"^worker_1: (.* within 0 s|what it answers .* takes too long)"
    with pytest.raises((WorkerUnreachable, WorkerRefused), match=ended):
        ASKED[asked](liar_saying(data(**told)).commands(QUICK))


@pytest.mark.parametrize(
    "says",
    [
        answer(b"[" * 100_000),
        answer(b'{"message": 3}', 500),
        answer(b"[" * 100_000, 500),
        answer(b"", 500, ENDLESS),
        answer(b"", 202, ENDLESS),
        answer(b"\xff" * 16),
    ],
)
def test_a_round_answered_with_something_else_is_its_participants_failure(
    liar_saying: Callable[..., Liar], tmp_path: Path, says: bytes
) -> None:
    plane = DataPlane(liar_saying(says).node, "s", Limits(), lambda: None)
    with pytest.raises(GridError, match=r"^worker_1: "):
        exchange(plane, tmp_path)
    plane.close()


def test_what_a_gateway_says_of_a_worker_that_is_started_again_keeps_its_status(
    liar_saying: Callable[..., Liar], tmp_path: Path
) -> None:
    plane = DataPlane(liar_saying(answer(b"<html>Service Unavailable</html>", 503)).node, "s", Limits(), lambda: None)
    with pytest.raises(WorkerRefused, match=r"^worker_1: what answers at .* is not a Synergos worker") as refused:
        exchange(plane, tmp_path)
    assert refused.value.status == 503
    plane.close()


def test_a_round_that_drips_ends_in_time(liar_saying: Callable[..., Liar], tmp_path: Path) -> None:
    plane = DataPlane(liar_saying(answer(b"", length=ENDLESS), drips=True).node, "s", QUICK, lambda: None)
    with pytest.raises(GridError, match=r"^worker_1: "):
        exchange(plane, tmp_path)
    plane.close()


def test_a_round_that_is_never_ready_ends_in_time(liar_saying: Callable[..., Liar], tmp_path: Path) -> None:
    plane = DataPlane(liar_saying(answer(b"{}", 202)).node, "s", QUICK, lambda: None)
    # Whichever ends first: the wait for a result, or the time an answer may take to come.
    with pytest.raises(WorkerUnreachable, match=r"^worker_1: (no result within|what it answers .* takes too long)"):
        exchange(plane, tmp_path)
    plane.close()


def test_who_tells_of_other_datasets_than_it_was_asked_for_is_not_believed(liar_saying: Callable[..., Liar]) -> None:
    liar = liar_saying(data(rows={"train": 9}, digests={"train": ["k.1", "k.2"]}))
    with pytest.raises(WireFormatError, match=r"^worker_1: tells of 2 train datasets, and was asked for others"):
        liar.commands().open_session(RUN, session_request(TAGS))


def test_who_tells_of_no_datasets_is_of_an_older_release(liar_saying: Callable[..., Liar]) -> None:
    assert liar_saying(data(rows={"train": 9})).commands().open_session(RUN, session_request(TAGS)).rows == {"train": 9}
