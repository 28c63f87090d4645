"""FedProx: FedAvg whose participants are held near the global model while they train.

Li, Sahu, Zaheer, Sanjabi, Talwalkar, Smith (2020), "Federated Optimization in Heterogeneous Networks", MLSys,
algorithm 2: participant k minimises, inexactly, for its local epochs

    F_k(w) + mu/2 * ||w - w_t||^2

and the server averages as in FedAvg. ``mu`` 0 is FedAvg.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from synergos.learning.algorithms.algorithm import Algorithm, Weights
from synergos.learning.algorithms.fedavg import aggregate

if TYPE_CHECKING:
    from synergos.learning.hyperparameters import Hyperparameters


def penalty(network: nn.Module, reference: Weights, hyperparameters: Hyperparameters) -> Tensor | None:
    """``mu/2 * ||w - w_t||^2`` over the live parameters; buffers have no gradient and are left out."""
    if hyperparameters.mu == 0:
        return None
    distances = [
        (parameter - reference[name]).square().sum()
        for name, parameter in network.named_parameters()
        if parameter.requires_grad
    ]
    return hyperparameters.mu / 2 * torch.stack(distances).sum() if distances else None


ALGORITHM = Algorithm("FedProx", penalty, aggregate)
