"""One exchange: where answers go, and when all messages are out."""

from __future__ import annotations

import gc
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, cast

import numpy as np
import pytest
import torch

from synergos.domain.loss_history import LossHistory
from synergos.learning.algorithms import Bag, Step
from synergos.learning.hyperparameters import Hyperparameters
from synergos.wire import Encoded, Layout, Parcel
from synergos.wire.answers import RoundAnswer
from synergos.wire.codec import CHUNK_BYTES, weights_in
from synergos.wire.layout import Header
from synergos_ttp.stages.evaluation_rows import EvaluationRows
from synergos_ttp.stages.exchange import Asking
from synergos_ttp.stages.possible_losses import PossibleLosses
from synergos_ttp.stages.round_files import RoundFiles
from synergos_ttp.stages.spare_files import SpareFiles
from synergos_ttp.workers.answer_memory import LARGEST, AnswerMemory, Destination
from synergos_ttp.workers.data_plane import Answered
from synergos_ttp.workers.participant import OpenSession

WEIGHTS = {"w": torch.ones(CHUNK_BYTES), "v": torch.tensor([1.0, 2.0])}
LAYOUT = Layout.of(WEIGHTS)


def test_answers_have_so_much_memory_together() -> None:
    memory = AnswerMemory(together=3 * CHUNK_BYTES)

    first, second, third = (memory.take(CHUNK_BYTES + 1) for _ in range(3))

    assert first is not None
    assert second is not None
    assert third is None
    assert len(first) == CHUNK_BYTES + 1


def test_memory_is_given_back_with_the_last_tensor_in_it() -> None:
    memory = AnswerMemory(together=LAYOUT.nbytes)
    taken = memory.take(LAYOUT.nbytes)
    assert taken is not None
    last = weights_in(taken.data, Header.of(LAYOUT, {}))["v"]
    del taken
    gc.collect()
    assert memory.take(LAYOUT.nbytes) is None

    del last
    gc.collect()

    assert memory.take(LAYOUT.nbytes) is not None


def test_memory_that_was_given_back_is_handed_out_again_and_no_other_than_what_is_asked_for() -> None:
    memory, size = AnswerMemory(), CHUNK_BYTES + 8
    first, second = memory.take(size), memory.take(size)
    assert first is not None
    assert second is not None
    place = first.ctypes.data
    del first
    again = memory.take(size)
    assert again is not None
    assert again.ctypes.data == place != second.ctypes.data

    del again
    other = memory.take(2 * size)

    assert other is not None
    assert len(other) == 2 * size


@pytest.mark.parametrize(("size", "is_in_memory"), [(CHUNK_BYTES, True), (LARGEST, False)])
def test_a_small_answer_is_never_written_to_a_file_and_a_large_one_always(size: int, is_in_memory: bool) -> None:
    nothing_left = AnswerMemory(together=0)
    enough = AnswerMemory(together=4 * LARGEST)

    assert (nothing_left.take(size) is not None) is is_in_memory
    assert enough.take(LARGEST) is not None
    assert enough.take(LARGEST + 1) is None


@dataclass
class Line:
    """A participant's session and its line in one: answers with what it is sent."""

    id: str
    outbox: Callable[[], bool]

    @property
    def member(self) -> Line:
        return self

    @property
    def data(self) -> Line:
        return self

    rows: ClassVar = {"train": 3, "evaluate": 2}
    evaluated: ClassVar = None

    def exchange(self, step: Step, message: Encoded, expected: Layout, target: Destination) -> Answered:
        taken = target.memory.take(expected.nbytes)
        assert taken is not None
        whole = np.concatenate([np.frombuffer(view, np.uint8) for view in message.buffers()])
        taken[:] = whole[-expected.nbytes :]
        self.all_sent = self.outbox()
        found = Parcel(Bag({"weights": weights_in(taken.data, Header.of(expected, {}))}))
        return Answered(found, RoundAnswer(round=step.round, rows=3, train_loss=1.0, evaluation=None))


def test_a_message_is_out_when_its_last_byte_is_and_the_outbox_is_empty_when_all_are(tmp_path: Path) -> None:
    messages = {who: Parcel(Bag({"weights": WEIGHTS})) for who in ("a", "b")}
    files, evaluated = RoundFiles(tmp_path, SpareFiles(tmp_path)), EvaluationRows(LossHistory())
    possible = PossibleLosses(Hyperparameters())
    asking = Asking(Step(0), messages, LAYOUT, files, "weights", AnswerMemory(), evaluated, possible)
    first, second = (Line(who, lambda: asking.outbox.wait(0.0)) for who in messages)

    arrived = [asking(cast(OpenSession, cast(Any, line))) for line in (first, first, second)]

    assert not first.all_sent
    assert second.all_sent
    assert all(torch.equal(each.reply.bag["weights"]["w"], WEIGHTS["w"]) for each in arrived)
    assert [each.distance for each in arrived] == [0.0, 0.0, 0.0]
    assert not asking.is_small
