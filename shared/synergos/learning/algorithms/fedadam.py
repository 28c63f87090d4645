"""FedAdam: FedAvg with Adam at the server.

Reddi et al. (2021), "Adaptive Federated Optimization", ICLR, algorithm 2: v_t = beta2 * v_{t-1} + (1 - beta2) * m_t^2; for the rest
see :mod:`synergos.learning.algorithms.adaptive`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from synergos.learning.algorithms.adaptive import Adaptive
from synergos.learning.algorithms.settings import SHARE, setting


@dataclass(frozen=True)
class FedAdam(Adaptive):
    """Adam at the server, without correction of the bias."""

    name: ClassVar[str] = "FedAdam"
    paper: ClassVar[str] = "Reddi et al. 2021"
    beta2: float = setting(0.99, SHARE)

    def variance(self, before: Tensor, square: Tensor) -> Tensor:
        """A moving average of the squares."""
        return self.beta2 * before + (1 - self.beta2) * square
