"""Participants of a run that learn which of two classes a row is of, or a number, and those that say something else than they have learnt."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from fakes.room import received
from synergos.domain.tags import Purpose
from synergos.learning.algorithms import Bag, Step, Weights
from synergos.wire import Encoded, Layout, Parcel
from synergos.wire.answers import Evaluation, RoundAnswer
from synergos_ttp.workers.answer_memory import Destination
from synergos_ttp.workers.data_plane import Answered

COLUMNS = 8
START = {"w": torch.zeros(COLUMNS), "b": torch.zeros(1)}
Rows = tuple[Tensor, Tensor]
Lie = Callable[[Weights, Weights], Weights]
"""Given the model that was sent, and what honest training makes of it; what is answered."""


def rows_of(seed: int, count: int) -> Rows:
    """Rows, (count, columns), and which class each is of."""
    numbers = torch.Generator().manual_seed(seed)
    inputs = torch.randn((count, COLUMNS), generator=numbers)
    noise = 0.3 * torch.randn(count, generator=numbers)
    return inputs, (inputs @ torch.linspace(-1.5, 2.0, COLUMNS) + noise > 0).float()


def numbers_of(seed: int, count: int, scale: float = 1.0) -> Rows:
    """Rows, (count, columns), and a number of each, so many times as large."""
    numbers = torch.Generator().manual_seed(seed)
    inputs = torch.randn((count, COLUMNS), generator=numbers)
    noise = 0.3 * torch.randn(count, generator=numbers)
    return inputs, scale * (inputs @ torch.linspace(-1.5, 2.0, COLUMNS) + 1.0 + noise)


def error(weights: Weights, rows: Rows) -> float:
    """The mean squared error of the rows' numbers."""
    return float((_outputs(weights, rows) - rows[1]).square().mean())


def accuracy(weights: Weights, rows: Rows) -> float:
    """The part of the rows that is put into its class."""
    return float(((_outputs(weights, rows) > 0).float() == rows[1]).float().mean())


def honest(sent: Weights, trained: Weights) -> Weights:
    """What was trained."""
    return trained


def times(factor: float) -> Lie:
    """What was trained, so many times as far from what was sent."""
    return lambda sent, trained: {name: sent[name] + factor * (trained[name] - sent[name]) for name in sent}


def towards(trap: Weights, factor: float = 1.0) -> Lie:
    """Whatever brings the mean to a model of one's own, if all are believed."""
    return lambda sent, _trained: {name: sent[name] + factor * (trap[name] - sent[name]) for name in sent}


@dataclass
class Classifier:
    """Makes some steps along the gradient in each round; what a run knows of it is its :class:`Seat`.

    Attributes:
        lie: what is answered in place of what was trained.
        losses: that are told in place of the true ones, before and after training.
        has_evaluation: whether it measures models on its rows.
        claimed: rows it says it has.
        labels_are_numbers: whether it learns what its rows' labels are, and not which class.
    """

    id: str
    data: Rows
    lie: Lie = honest
    losses: tuple[float, float] | None = None
    has_evaluation: bool = False
    claimed: int | None = None
    evaluation: float | None = None
    labels_are_numbers: bool = False

    @property
    def rows(self) -> Mapping[str, int]:
        count = self.claimed or len(self.data[1])
        return {"train": count, "evaluate": count}

    @property
    def tags(self) -> Mapping[Purpose, Sequence[str]]:
        return {Purpose.EVALUATE: ["rows"]} if self.has_evaluation else {}

    def exchange(self, step: Step, message: Encoded, expected: Layout, target: Destination) -> Answered:
        sent = received(message, Layout.of(START)).bag["weights"]
        trained = dict(sent)
        for _ in range(5):
            trained = self._step(trained)
        first, last = self.losses or (self._loss(sent), self._loss(trained))
        said = RoundAnswer(
            round=step.round,
            rows=self.rows["train"],
            train_loss=last,
            first_loss=first,
            evaluation=self._measured(sent) if step.round else None,
        )
        return Answered(Parcel(Bag({"weights": self.lie(sent, trained)})), said)

    def evaluate(self, number: int, weights: Encoded) -> Evaluation | None:
        return self._measured(received(weights, Layout.of(START)).bag["weights"])

    def _measured(self, weights: Weights) -> Evaluation | None:
        loss = self._loss(weights) if self.evaluation is None else self.evaluation
        return Evaluation(self.rows["evaluate"], loss) if self.has_evaluation else None

    def _step(self, weights: Weights) -> dict[str, Tensor]:
        inputs, labels = self.data
        wrong = self._activated(weights) - labels
        slopes = {"w": inputs.T @ wrong / len(wrong), "b": wrong.mean(0, keepdim=True)}
        return {name: weights[name] - (0.1 if self.labels_are_numbers else 0.5) * slopes[name] for name in weights}

    def _loss(self, weights: Weights) -> float:
        if self.labels_are_numbers:
            return error(weights, self.data)
        return float(binary_cross_entropy_with_logits(_outputs(weights, self.data), self.data[1]))

    def _activated(self, weights: Weights) -> Tensor:
        found = _outputs(weights, self.data)
        return found if self.labels_are_numbers else torch.sigmoid(found)


@dataclass(frozen=True)
class Seat:
    """A classifier as a run has it: its session, its line and what the records say of it in one."""

    who: Classifier

    @property
    def data(self) -> Classifier:
        return self.who

    @property
    def id(self) -> str:
        return self.who.id

    @property
    def member(self) -> Classifier:
        return self.who

    @property
    def rows(self) -> Mapping[str, int]:
        return self.who.rows

    @property
    def evaluated(self) -> None:
        return None


def _outputs(weights: Weights, rows: Rows) -> Tensor:
    return rows[0] @ weights["w"] + weights["b"]
