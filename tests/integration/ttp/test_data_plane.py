"""What a worker answers about a round is checked before it is calculated with."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import torch

from synergos.domain.grid import Node
from synergos.errors import WireFormatError
from synergos.learning.algorithms import Step
from synergos.wire import Layout, encode
from synergos.wire.answers import ROUND_ANSWER
from synergos_ttp.workers.answer_memory import AnswerMemory, Destination
from synergos_ttp.workers.data_plane import DataPlane
from synergos_ttp.workers.limits import Limits

WEIGHTS = {"w": torch.tensor([1.0, 2.0])}
SOUND = {"round": 0, "rows": 3, "train_loss": 0.5, "evaluation": {"rows": 2, "loss": None}}


@pytest.fixture
def answering() -> Iterator[Callable[[bytes], DataPlane]]:
    """The data plane to a worker that answers everything with these bytes."""
    made: list[tuple[ThreadingHTTPServer, DataPlane]] = []

    def start(body: bytes) -> DataPlane:
        class Worker(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_PUT(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_arguments: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Worker)
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        node = Node("worker_1", "127.0.0.1", 1, server.server_address[1])
        made.append((server, DataPlane(node, "s", Limits(), lambda: None)))
        return made[-1][1]

    yield start
    for server, plane in made:
        plane.close()
        server.shutdown()
        server.server_close()


def destination(folder: Path, memory: int = 0) -> Destination:
    path = folder / "answer"
    return Destination(lambda: path, AnswerMemory(memory), lambda: path.open("wb"))


def message(metadata: dict[str, Any]) -> bytes:
    return b"".join(encode(WEIGHTS, metadata).chunks())


def test_a_sound_answer_is_taken(answering: Callable[[bytes], DataPlane], tmp_path: Path) -> None:
    plane = answering(message(SOUND))
    answer = plane.exchange(Step(0), encode(WEIGHTS, {"round": 0}), Layout.of(WEIGHTS), destination(tmp_path))
    assert answer.said == ROUND_ANSWER.read(SOUND)


@pytest.mark.parametrize(
    ("field", "value", "named"),
    [
        ("rows", "x", "rows"),
        ("rows", None, "rows"),
        ("rows", -1, "rows"),
        ("rows", 1.5, "rows"),
        ("train_loss", "a", "train_loss"),
        ("evaluation", [1], "evaluation"),
        ("evaluation", {"rows": -2, "loss": 1.0}, "evaluation.rows"),
        ("evaluation", {"rows": 2, "loss": "low"}, "evaluation.loss"),
        ("evaluation", {"rows": 2}, "evaluation.loss"),
    ],
)
def test_an_answer_that_cannot_be_calculated_with_names_participant_and_field(
    answering: Callable[[bytes], DataPlane], tmp_path: Path, field: str, value: object, named: str
) -> None:
    plane = answering(message({**SOUND, field: value}))
    with pytest.raises(WireFormatError, match=f"worker_1: its answer's {named} is not as agreed"):
        plane.exchange(Step(0), encode(WEIGHTS, {"round": 0}), Layout.of(WEIGHTS), destination(tmp_path))


@pytest.mark.parametrize(
    ("answer", "step"), [(SOUND, Step(1)), ({**SOUND, "exchange": 1}, Step(0)), (SOUND, Step(0, 1))]
)
def test_an_answer_to_something_else_is_refused(
    answering: Callable[[bytes], DataPlane], tmp_path: Path, answer: dict[str, Any], step: Step
) -> None:
    plane = answering(message(answer))
    with pytest.raises(WireFormatError, match="worker_1: answered another exchange"):
        plane.exchange(step, encode(WEIGHTS, {}), Layout.of(WEIGHTS), destination(tmp_path))


@pytest.mark.parametrize("numbers", [3, {"n": "x"}, {"n": True}, {"n": None}, {"n": [1]}])
def test_numbers_that_are_none_are_refused(
    answering: Callable[[bytes], DataPlane], tmp_path: Path, numbers: object
) -> None:
    plane = answering(message({**SOUND, "numbers": numbers}))
    with pytest.raises(WireFormatError, match="worker_1: the message's numbers are not"):
        plane.exchange(Step(0), encode(WEIGHTS, {}), Layout.of(WEIGHTS), destination(tmp_path))


@pytest.mark.parametrize("answer", [{}, {"evaluation": 1}, {"evaluation": {"rows": "many", "loss": 0.1}}])
def test_an_evaluation_is_checked_alike(answering: Callable[[bytes], DataPlane], answer: object) -> None:
    plane = answering(json.dumps(answer).encode())
    with pytest.raises(WireFormatError, match="worker_1: its answer's"):
        plane.evaluate(0, encode(WEIGHTS, {"round": 0}))


@pytest.mark.parametrize("has_room", [True, False])
def test_an_answer_that_finds_no_memory_is_the_same_from_a_file(
    answering: Callable[[bytes], DataPlane], tmp_path: Path, has_room: bool
) -> None:
    large = {"w": torch.rand(300, 1000), "v": torch.rand(3)}
    plane = answering(b"".join(encode(large, {**SOUND, "numbers": {"n": 2.0}}).chunks()))
    target = destination(tmp_path, 2**22 if has_room else 0)

    parcel = plane.exchange(Step(0), encode(large, {"round": 0}), Layout.of(large), target).parcel

    assert {name: torch.equal(tensor, large[name]) for name, tensor in parcel.bag["weights"].items()} == {
        "w": True,
        "v": True,
    }
    assert parcel.bag.numbers == {"n": 2.0}
    assert (parcel.path, target.path().exists()) == ((None, False) if has_room else (target.path(), True))
