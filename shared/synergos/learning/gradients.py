"""Adding to a gradient what is known without differentiating: penalties, proximal terms, corrections."""

from __future__ import annotations

from torch import Tensor


def add_gradient(parameter: Tensor, direction: Tensor, scale: float) -> None:
    """Add ``scale * direction`` to a parameter's gradient in place, also where the loss itself gave it none.

    A term whose gradient is known needs none of the memory that differentiating it takes: copies of the whole model.

    Args:
        direction: of the parameter's shape.
    """
    if parameter.grad is None:
        parameter.grad = direction * scale
    else:
        parameter.grad.add_(direction, alpha=scale)
