"""FedAdagrad: FedAvg with Adagrad at the server.

Reddi et al. (2021), "Adaptive Federated Optimization", ICLR, algorithm 2: v_t = v_{t-1} + m_t^2. ``beta1`` is 0 by default, as in
the paper's experiments; for the rest see :mod:`synergos.learning.algorithms.adaptive`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from synergos.learning.algorithms.adaptive import Adaptive
from synergos.learning.algorithms.settings import SHARE, setting


@dataclass(frozen=True)
class FedAdagrad(Adaptive):
    """Adagrad at the server."""

    name: ClassVar[str] = "FedAdagrad"
    paper: ClassVar[str] = "Reddi et al. 2021"
    beta1: float = setting(0.0, SHARE)

    def variance(self, before: Tensor, square: Tensor) -> Tensor:
        """All squares so far."""
        return before + square
