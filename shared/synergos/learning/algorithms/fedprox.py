"""FedProx: FedAvg whose participants are held near the global model while they train.

Li, Sahu, Zaheer, Sanjabi, Talwalkar, Smith (2020), "Federated Optimization in Heterogeneous Networks", MLSys,
algorithm 2: participant k minimises, inexactly, for its local epochs

    F_k(w) + mu/2 * ||w - w_t||^2

and the server averages as in FedAvg. ``mu`` 0 is FedAvg. The term's gradient is ``mu * (w - w_t)``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

from synergos.learning.algorithms.algorithm import Algorithm, Weights
from synergos.learning.algorithms.fedavg import aggregate
from synergos.learning.gradients import add_gradient

if TYPE_CHECKING:
    from synergos.learning.hyperparameters import Hyperparameters


def pull(network: nn.Module, reference: Weights, hyperparameters: Hyperparameters) -> None:
    """Towards the global model, over the live parameters; buffers have no gradient and are left out."""
    if hyperparameters.mu == 0:
        return
    for name, parameter in network.named_parameters():
        if parameter.requires_grad:
            add_gradient(parameter, torch.sub(parameter.detach(), reference[name]), hyperparameters.mu)


ALGORITHM = Algorithm("FedProx", pull, aggregate)
