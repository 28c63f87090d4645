"""FedYogi: FedAvg with Yogi at the server, whose variance grows and shrinks by no more than the square it sees.

Reddi et al. (2021), "Adaptive Federated Optimization", ICLR, algorithm 2:
v_t = v_{t-1} - (1 - beta2) * m_t^2 * sign(v_{t-1} - m_t^2); for the rest see :mod:`synergos.learning.algorithms.adaptive`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from synergos.learning.algorithms.adaptive import Adaptive
from synergos.learning.algorithms.settings import SHARE, setting


@dataclass(frozen=True)
class FedYogi(Adaptive):
    """Yogi at the server."""

    name: ClassVar[str] = "FedYogi"
    paper: ClassVar[str] = "Reddi et al. 2021"
    beta2: float = setting(0.99, SHARE)

    def variance(self, before: Tensor, square: Tensor) -> Tensor:
        """Towards the square, additively."""
        return before - (1 - self.beta2) * square * (before - square).sign()
