"""What a run may add to its loss, whatever its algorithm: L1 and L2 of the weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor, nn

if TYPE_CHECKING:
    from synergos.learning.hyperparameters import Hyperparameters


def regularise(network: nn.Module, hyperparameters: Hyperparameters) -> None:
    """Add the gradient of ``l1 * ||w||_1 + l2/2 * ||w||^2`` to that of every live parameter: ``l1 * sign(w) + l2 * w``."""
    l1, l2 = hyperparameters.l1_lambda, hyperparameters.l2_lambda
    for parameter in network.parameters():
        if l1 and parameter.requires_grad:
            add_gradient(parameter, parameter.detach().sign(), l1)
        if l2 and parameter.requires_grad:
            add_gradient(parameter, parameter.detach(), l2)


def add_gradient(parameter: nn.Parameter, direction: Tensor, scale: float) -> None:
    """Add ``scale * direction`` to a parameter's gradient in place, also where the loss itself gave it none.

    A penalty whose gradient is known needs none of the memory that differentiating it takes: copies of the whole model.
    """
    if parameter.grad is None:
        parameter.grad = direction * scale
    else:
        parameter.grad.add_(direction, alpha=scale)
