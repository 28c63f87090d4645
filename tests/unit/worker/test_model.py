"""What a session's model is taken to be between two trainings: what it is measured by, and what is answered."""

from __future__ import annotations

import io
from collections.abc import Callable, Collection, Sequence

import numpy as np
import pytest
import torch

from factories.feature_spaces import features, labels
from synergos.domain.feature_space import Action, FeatureSpace
from synergos.errors import JobCancelled, NotAllowed
from synergos.learning import families
from synergos.learning.algorithms import WEIGHTS, Bag, Step, Weights
from synergos.learning.bags import Packed
from synergos.learning.families import LocalResult
from synergos.wire import Parcel, encode_parcel
from synergos_worker.message import Message
from synergos_worker.model import Labelled, SessionModel
from synergos_worker.policy.limits import USUAL
from synergos_worker.policy.rounds import RoundJudge

LAYERS = [
    {"is_input": False, "l_type": "Linear", "structure": {"in_features": 3, "out_features": 1}, "activation": "sigmoid"}
]
SPACE = FeatureSpace("tabular", Action.CLASSIFY, features("a", "b", "c"), labels("x", "y"), (3,))
ROWS = Labelled(
    torch.linspace(-1, 1, 30).reshape(10, 3), (torch.arange(10) % 2).float().reshape(10, 1), np.zeros(10), np.arange(10)
)


class Looking(RoundJudge):
    """Takes note of what the weights that are sent are compared with."""

    def __init__(self) -> None:
        super().__init__(USUAL, Action.CLASSIFY)
        self.seen: list[Weights] = []
        self.refuses = False

    def before(
        self,
        round_index: int,
        weights: Weights,
        own: Weights,
        corrections: float = 0.0,
        distance: float | None = None,
    ) -> None:
        """See there."""
        self.seen.append({name: tensor.clone() for name, tensor in own.items()})
        super().before(round_index, weights, own, corrections, distance)

    def after(
        self,
        done: Sequence[LocalResult],
        answer: Weights,
        start: Weights,
        parameters: Collection[str] = (),
        corrections: float = 0.0,
    ) -> None:
        """See there."""
        if self.refuses:
            raise NotAllowed("not today", "policy.none")
        super().after(done, answer, start, parameters, corrections)


class Trained:
    """A session's model that is sent, in each round, nearly the weights that it has answered."""

    def __init__(self) -> None:
        recipe = families.recipe(None, LAYERS, {"rounds": 9, "epochs": 2, "lr": 0.1}, SPACE)
        self.judge = Looking()
        self.model = SessionModel(recipe, "worker_1", "cpu", self.judge)
        self.weights: Weights = recipe.family.initial(recipe).weights
        self.round = 0

    def train(self, should_stop: Callable[[], bool] = lambda: False) -> Weights:
        """One round; what it answers."""
        self.sent = {name: tensor * 0.999 for name, tensor in self.weights.items()} if self.round else self.weights
        body = b"".join(encode_parcel(Parcel(Bag({WEIGHTS: self.sent}), None, {"round": self.round})).chunks())
        self.model.receive(Message(io.BytesIO(body), len(body)), 0)
        self.round += 1
        self.model.train(ROWS, Step(self.round - 1), lambda _done, _of: None, should_stop)
        self.weights = dict(self.model.answer[0][WEIGHTS].items())
        return self.weights


def are_equal(one: Weights, other: Weights) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_a_small_answer_lies_together_and_is_what_the_next_weights_are_compared_with() -> None:
    trained = Trained()
    first = trained.train()

    answer = trained.model.answer[0][WEIGHTS]
    trained.train()

    assert isinstance(answer, Packed)
    assert are_equal(answer, first)
    assert are_equal(trained.judge.seen[1], first)


def test_a_training_that_was_left_is_nothing_that_the_next_weights_may_lie_near() -> None:
    trained, asked = Trained(), iter([False, True])
    trained.train()
    with pytest.raises(JobCancelled):
        trained.train(lambda: next(asked))
    left = trained.sent

    trained.train()

    assert are_equal(trained.judge.seen[-1], left)


def test_neither_is_one_that_is_not_told_of() -> None:
    trained = Trained()
    trained.train()
    trained.judge.refuses = True
    with pytest.raises(NotAllowed):
        trained.train()
    trained.judge.refuses, left = False, trained.sent

    trained.train()

    assert are_equal(trained.judge.seen[-1], left)
