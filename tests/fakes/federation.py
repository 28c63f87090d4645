"""An algorithm and its participants in one process, with nothing in between: no wire, no disk, nobody who is lost by accident."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import count

import torch
from torch import Tensor
from torch.optim import Optimizer

from synergos.learning.algorithms import (
    Adjust,
    Algorithm,
    Answers,
    Bag,
    Local,
    Model,
    Reduction,
    Reply,
    Step,
    Trained,
    Weights,
)


class NoServer:
    """A server that does not train."""

    def train(
        self,
        weights: Weights,
        loss: Callable[[Weights], Tensor],
        optimizer: Callable[[Sequence[Tensor]], Optimizer],
        steps: int,
    ) -> dict[str, Tensor]:
        raise AssertionError("this algorithm was not expected to train at the server")


@dataclass
class Federation:
    """A run of an algorithm.

    Attributes:
        state: the server's.
        kept: what each participant keeps.
    """

    algorithm: Algorithm
    model: Model
    locals: Mapping[str, Local]

    def __post_init__(self) -> None:
        self.state = self.algorithm.init(self.model)
        self.kept: dict[str, Bag] = {}
        self.round = 0

    @property
    def weights(self) -> Weights:
        """The global model."""
        return self.algorithm.models(self.state)["global"]

    def play(self, rounds: int, absent: Collection[str] = ()) -> Weights:
        """Some rounds, without those who are absent; the global model after them."""
        for _ in range(rounds):
            self._round([name for name in self.locals if name not in absent])
            self.round += 1
        return self.weights

    def _round(self, present: Collection[str]) -> None:
        for exchange in count():
            step = Step(self.round, exchange)
            messages = {name: self.algorithm.ask(self.state, step, name) for name in present}
            if all(message is None for message in messages.values()):
                return
            replies = [self._reply(step, name, message) for name, message in messages.items() if message is not None]
            single = self.algorithm.reduction is Reduction.EACH
            rows = sum(local.rows for local in self.locals.values())
            answers = Answers(replies, rows, is_single=single)
            self.state = self.algorithm.fold(self.state, step, answers, NoServer())

    def _reply(self, step: Step, name: str, message: Bag) -> Reply:
        local = self.locals[name]
        answer = self.algorithm.client(step, message, self.kept.get(name), local)
        if answer.kept is not None:
            self.kept[name] = copied(answer.kept)
        return Reply(name, local.rows, copied(answer.bag))


@dataclass
class LeastSquares:
    """A participant with ``|| A w - b ||^2 / 2n`` to make small, by plain steps along the gradient, in float64.

    Attributes:
        inputs: A, (rows, columns).
        targets: b, (rows,).
    """

    inputs: Tensor
    targets: Tensor
    steps: int = 1
    rate: float = 0.1

    @property
    def rows(self) -> int:
        return len(self.inputs)

    @property
    def parameters(self) -> Collection[str]:
        return ["w"]

    def gradient(self, w: Tensor) -> Tensor:
        return self.inputs.T @ (self.inputs @ w - self.targets) / self.rows

    def train(self, weights: Weights, adjust: Adjust | None = None, epochs: int | None = None) -> Trained:
        w = weights["w"].clone()
        for _ in range(self.steps):
            w.grad = self.gradient(w)
            if adjust is not None:
                adjust({"w": w})
            w.sub_(w.grad, alpha=self.rate)
        w.grad = None
        return Trained({"w": w}, self.steps, self.steps * self.rate)

    def loss(self, weights: Weights) -> float:
        return float((self.inputs @ weights["w"] - self.targets).square().mean() / 2)


def least_squares(participants: int, columns: int = 4, steps: int = 1) -> dict[str, LeastSquares]:
    """Participants whose rows are unlike each other's, and not equally many."""
    numbers = torch.Generator().manual_seed(3)
    found = {}
    for index in range(participants):
        rows = 10 + 3 * index
        scale = 1.0 + index
        inputs = scale * torch.randn((rows, columns), generator=numbers, dtype=torch.float64)
        truth = torch.randn(columns, generator=numbers, dtype=torch.float64)
        found[f"worker_{index}"] = LeastSquares(inputs, inputs @ truth, steps)
    smoothest = max(
        float(torch.linalg.eigvalsh(each.inputs.T @ each.inputs / each.rows)[-1]) for each in found.values()
    )
    for each in found.values():
        each.rate = 0.5 / smoothest
    return found


def optimum(locals_: Mapping[str, LeastSquares]) -> Tensor:
    """What training on all rows in one place comes to."""
    inputs = torch.cat([each.inputs for each in locals_.values()])
    targets = torch.cat([each.targets for each in locals_.values()])
    found: Tensor = torch.linalg.lstsq(inputs, targets).solution
    return found


def copied(bag: Bag) -> Bag:
    """The same in memory of its own, as after a way over the wire."""
    sets = {name: {key: tensor.detach().clone() for key, tensor in own.items()} for name, own in bag.sets.items()}
    return Bag(sets, dict(bag.numbers))


def start(columns: int = 4) -> Model:
    """Weights to begin with."""
    return Model({"w": torch.ones(columns, dtype=torch.float64)}, ["w"])
