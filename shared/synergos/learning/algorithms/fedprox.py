"""FedProx: FedAvg whose participants are held near the global model while they train.

Li, Sahu, Zaheer, Sanjabi, Talwalkar, Smith (2020), "Federated Optimization in Heterogeneous Networks", MLSys,
algorithm 2: participant k minimises, inexactly, for its local epochs

    F_k(w) + mu/2 * ||w - w_t||^2

and the server averages as in FedAvg. ``mu`` 0 is FedAvg. The term's gradient is ``mu * (w - w_t)``; buffers have none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from synergos.learning.algorithms.algorithm import Answer, Local, Step
from synergos.learning.algorithms.fedavg import FedAvg
from synergos.learning.algorithms.settings import COEFFICIENT, setting
from synergos.learning.bags import WEIGHTS, Bag
from synergos.learning.gradients import add_gradient


@dataclass(frozen=True)
class FedProx(FedAvg):
    """FedAvg with a proximal term.

    Attributes:
        mu: coefficient of the term.
    """

    name: ClassVar[str] = "FedProx"
    paper: ClassVar[str] = "Li et al. 2020"
    mu: float = setting(0.1, COEFFICIENT)

    @property
    def pull(self) -> float:
        """The term's gradient, by what was moved."""
        return self.mu

    def client(self, step: Step, message: Bag, kept: Bag | None, local: Local) -> Answer:
        """Train, and be pulled towards the global model in each step."""
        reference = message[WEIGHTS]

        def pull(parameters: Mapping[str, Tensor]) -> None:
            for name, parameter in parameters.items():
                add_gradient(parameter, torch.sub(parameter.detach(), reference[name]), self.mu)

        return Answer(Bag({WEIGHTS: local.train(reference, pull if self.mu else None).weights}))
