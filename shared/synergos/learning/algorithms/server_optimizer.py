"""FedOpt: FedAvg whose server takes the mean change of the models for a gradient, and follows it with an optimizer.

Reddi, Charles, Zaheer, Garrett, Rush, Konečný, Kumar, McMahan (2021), "Adaptive Federated Optimization", ICLR, algorithms 1
and 2:

    Delta_t = mean over k of (x_t^k - x_t),    x_{t+1} = x_t + ServerOpt(Delta_t)

The paper's mean is uniform over participants; here it is weighted by rows, as FedAvg's, so that a server that makes a step of
1 and has no memory is FedAvg. Buffers (running statistics) and integers are averaged and go through no optimizer.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from synergos.learning.algorithms.algorithm import Model, Server, Step
from synergos.learning.algorithms.answers import Answers
from synergos.learning.algorithms.fedavg import FedAvg
from synergos.learning.bags import WEIGHTS, Bag


@dataclass(frozen=True)
class ServerOptimizer(FedAvg):
    """FedAvg with an optimizer at the server; its moments are part of the state.

    Attributes:
        moments: the sets of the state that hold them, each with the parameters' names, in float32 at least.
    """

    moments: ClassVar[Sequence[str]]
    goes_where_answers_do: ClassVar[bool] = False

    @abstractmethod
    def first(self, moment: str) -> float:
        """What every element of a moment starts from."""

    @abstractmethod
    def move(self, change: Tensor, *moments: Tensor) -> tuple[Tensor, ...]:
        """One step of the optimizer, element by element, in float64.

        Args:
            change: the mean change of the models, Delta_t.
            moments: in the order of :attr:`moments`.

        Returns:
            What is added to the weights, and then the moments after the step.
        """

    def init(self, model: Model) -> Bag:
        """The first weights, and moments that have seen nothing."""
        moments = {
            moment: {
                name: torch.full_like(
                    tensor, self.first(moment), dtype=torch.promote_types(tensor.dtype, torch.float32)
                )
                for name, tensor in model.weights.items()
                if name in model.parameters
            }
            for moment in self.moments
        }
        return Bag({WEIGHTS: model.weights, **moments})

    def fold(self, state: Bag, step: Step, answers: Answers, server: Server) -> Bag:
        """One step from the global model; piece by piece, while the mean is in the processor's cache."""
        before = [state[moment] for moment in self.moments]
        after = [_room_for(own, answers.spare.get(moment)) for moment, own in zip(self.moments, before, strict=True)]

        def follow(name: str, here: slice, mean: Tensor) -> Tensor:
            if name not in before[0]:
                return mean
            start = _flat(state[WEIGHTS][name])[here].to(mean.dtype)
            move, *moments = self.move(mean - start, *(_flat(own[name])[here].to(mean.dtype) for own in before))
            for own, moment in zip(after, moments, strict=True):
                own[name].view(-1)[here].copy_(moment)
            return start + move

        return Bag({WEIGHTS: answers.mean(WEIGHTS, follow), **dict(zip(self.moments, after, strict=True))})


def _room_for(like: Mapping[str, Tensor], spare: Mapping[str, Tensor] | None) -> Mapping[str, Tensor]:
    if spare is not None and spare.keys() == like.keys():
        return spare
    return {name: torch.empty_like(tensor, memory_format=torch.contiguous_format) for name, tensor in like.items()}


def _flat(tensor: Tensor) -> Tensor:
    return tensor.detach().reshape(-1)
