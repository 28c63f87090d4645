"""What a worker answers on its data port and is nearly right, as a TTP reads it: it is taken, or is that worker's failure.

Every other answer of a worker is in tests/integration/ttp/test_mutated_worker.py.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
import torch

from fakes.answering import NODE, WHO, Saying
from support.corpus import corpus
from support.mutations import nearly
from support.soon import soon
from synergos.errors import GridError
from synergos.learning.algorithms import Step
from synergos.wire import Layout, encode
from synergos_ttp.workers.answer_memory import AnswerMemory, Destination
from synergos_ttp.workers.data_plane import DataPlane
from synergos_ttp.workers.limits import Limits

ANSWERS = 2000
LIMITS = Limits(connect=5.0, preparation=0.002, round=0.002, long_poll=0.01)
WEIGHTS = {"w": torch.tensor([[1.0, 2.0], [3.0, 4.0]]), "v": torch.tensor([1.0])}


def evaluated(data: DataPlane, _: Destination) -> None:
    data.evaluate(0, encode(WEIGHTS, {"round": 0}))


def exchanged(data: DataPlane, target: Destination) -> None:
    data.exchange(Step(0), encode(WEIGHTS, {"round": 0}), Layout.of(WEIGHTS), target)


@pytest.mark.parametrize(
    ("kind", "use"),
    [("rounds", exchanged), ("evaluations", evaluated)],
    ids=["round", "evaluation"],
)
def test_no_answer_is_more_than_its_workers_failure(
    kind: str, use: Callable[[DataPlane, Destination], None], tmp_path: Path
) -> None:
    taken, participants = 0, set[str | None]()
    target = Destination(lambda: tmp_path / "answer", AnswerMemory(), lambda: (tmp_path / "answer").open("wb"))
    for answer in nearly(list(corpus(kind).values()), kind, ANSWERS):
        with soon(answer), closing(DataPlane(NODE, "s", LIMITS, lambda: None, Saying(answer=answer))) as data:
            try:
                use(data, target)
                taken += 1
            except GridError as error:
                participants.add(error.participant)
    assert participants == {WHO}
    assert 0 < taken < ANSWERS * 0.7
