"""What FedAdagrad, FedYogi and FedAdam have in common: algorithm 2 of Reddi et al. (2021), "Adaptive Federated Optimization".

    m_t = beta1 * m_{t-1} + (1 - beta1) * Delta_t        (the paper's Delta_t, once it is averaged over time)
    v_t = …                                              (what they differ in)
    x_{t+1} = x_t + eta * m_t / (sqrt(v_t) + tau)

m_{-1} is 0. v_{-1} is tau^2, the least that the paper allows. There is no correction of the bias towards them, as there is none in
the paper. eta is ``server_lr``; tau says how far adaptivity goes: small movements are divided by it.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from synergos.learning.algorithms.server_optimizer import ServerOptimizer
from synergos.learning.algorithms.settings import ADAPTIVITY, SERVER_LR, SHARE, setting

MOMENTUM, VARIANCE = "momentum", "variance"


@dataclass(frozen=True)
class Adaptive(ServerOptimizer):
    """An optimizer at the server that divides each element's movement by how much it usually moves."""

    moments: ClassVar[Sequence[str]] = (MOMENTUM, VARIANCE)
    server_lr: float = setting(0.1, SERVER_LR)
    beta1: float = setting(0.9, SHARE)
    tau: float = setting(1e-3, ADAPTIVITY)

    @abstractmethod
    def variance(self, before: Tensor, square: Tensor) -> Tensor:
        """v_t of v_{t-1} and m_t^2."""

    def first(self, moment: str) -> float:
        """No movement, and the least variance."""
        return self.tau**2 if moment == VARIANCE else 0.0

    def move(self, change: Tensor, *moments: Tensor) -> tuple[Tensor, ...]:
        """One step of algorithm 2."""
        momentum = self.beta1 * moments[0] + (1 - self.beta1) * change
        variance = self.variance(moments[1], momentum.square())
        return self.server_lr * momentum / (variance.sqrt() + self.tau), momentum, variance
