"""What a run may add to its loss, whatever its algorithm: L1 and L2 of the weights."""

from __future__ import annotations

from torch import nn

from synergos.learning.gradients import add_gradient


def regularise(network: nn.Module, *, l1: float, l2: float) -> None:
    """Add the gradient of ``l1 * ||w||_1 + l2/2 * ||w||^2`` to that of every live parameter: ``l1 * sign(w) + l2 * w``."""
    # To go through all parameters takes longer than a step of a small network may.
    for parameter in network.parameters() if l1 or l2 else ():
        if l1 and parameter.requires_grad:
            add_gradient(parameter, parameter.detach().sign(), l1)
        if l2 and parameter.requires_grad:
            add_gradient(parameter, parameter.detach(), l2)
