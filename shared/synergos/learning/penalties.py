"""What a run may add to its loss, whatever its algorithm: L1 and L2 of the weights."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from synergos.learning.hyperparameters import Hyperparameters


def regularisation(network: nn.Module, hyperparameters: Hyperparameters) -> Tensor | None:
    """``l1 * ||w||_1 + l2/2 * ||w||^2`` over the live parameters; ``None`` when neither was asked for."""
    l1, l2 = hyperparameters.l1_lambda, hyperparameters.l2_lambda
    parameters = [parameter for parameter in network.parameters() if parameter.requires_grad]
    terms = [l1 * parameter.abs().sum() for parameter in parameters if l1]
    terms += [l2 / 2 * parameter.square().sum() for parameter in parameters if l2]
    return torch.stack(terms).sum() if terms else None
