"""What it takes to train or use a model, judged by its shapes before any of it is taken."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Needs:
    """Bytes of memory; each is the most that is held at once.

    Attributes:
        weights: parameters and buffers, once.
        learning: what training holds beside them: gradients, the optimizer's state, and what a step works with.
        batch: what the largest batch becomes on its way through the model, kept for the gradient, or while it is measured.
    """

    weights: int
    learning: int = 0
    batch: int = 0
