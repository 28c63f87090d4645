"""Training at the server, for algorithms that do not only average: steps of an optimizer on what the participants sent."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import Tensor
from torch.optim import Optimizer

from synergos.learning.bags import Weights


class ServerTraining:
    """See :class:`synergos.learning.algorithms.Server`.

    Args:
        check: called before each step; raises when the job is to stop.
    """

    def __init__(self, check: Callable[[], None]) -> None:
        self._check = check

    def train(
        self,
        weights: Weights,
        loss: Callable[[Weights], Tensor],
        optimizer: Callable[[Sequence[Tensor]], Optimizer],
        steps: int,
    ) -> dict[str, Tensor]:
        """New weights, some steps from ``weights``."""
        found = {name: tensor.detach().clone().requires_grad_() for name, tensor in weights.items()}
        steps_of = optimizer(list(found.values()))
        for _ in range(steps):
            self._check()
            steps_of.zero_grad(set_to_none=True)
            loss(found).backward()  # type: ignore[no-untyped-call]
            steps_of.step()
        return {name: tensor.detach() for name, tensor in found.items()}
