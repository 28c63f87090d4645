"""FedAvgM: FedAvg with momentum at the server.

Hsu, Qi, Brown (2019), "Measuring the Effects of Non-Identical Data Distribution for Federated Visual Classification", and
Reddi et al. (2021), "Adaptive Federated Optimization", ICLR, algorithm 1 with SGD and momentum as ServerOpt:

    m_t = beta * m_{t-1} + Delta_t,    x_{t+1} = x_t + eta * m_t

with eta ``server_lr``, beta ``server_momentum`` and m_{-1} = 0. With eta 1 and beta 0 it is FedAvg.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from synergos.learning.algorithms.server_optimizer import ServerOptimizer
from synergos.learning.algorithms.settings import SERVER_LR, SHARE, setting


@dataclass(frozen=True)
class FedAvgM(ServerOptimizer):
    """SGD with momentum at the server."""

    name: ClassVar[str] = "FedAvgM"
    paper: ClassVar[str] = "Hsu et al. 2019; Reddi et al. 2021"
    moments: ClassVar[Sequence[str]] = ("momentum",)
    server_lr: float = setting(1.0, SERVER_LR)
    server_momentum: float = setting(0.9, SHARE)

    def first(self, moment: str) -> float:
        """Nothing has moved yet."""
        return 0.0

    def move(self, change: Tensor, *moments: Tensor) -> tuple[Tensor, ...]:
        """The change, and what is left of the ones before."""
        momentum = self.server_momentum * moments[0] + change
        return self.server_lr * momentum, momentum
