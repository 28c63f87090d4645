"""torch's optimizers without its compiler take the same steps."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.optim import ASGD, SGD, Adam, Optimizer, RMSprop
from torch.optim.lr_scheduler import CyclicLR, LambdaLR

from synergos.learning.families.layers import torch_names
from synergos.learning.families.layers.optimizers import uncompiled

USABLE = [
    value
    for name, value in vars(torch.optim).items()
    if isinstance(value, type)
    and issubclass(value, Optimizer)
    and name not in {"Optimizer", "LBFGS", "SparseAdam", "Muon"}
]


def trained(kind: type[Optimizer]) -> list[Tensor]:
    """The weights after each of some steps on the same rows."""
    torch.manual_seed(1)
    network = nn.Sequential(nn.Linear(5, 7), nn.Tanh(), nn.Linear(7, 1))
    optimizer = kind(network.parameters(), lr=0.05)  # type: ignore[call-arg]
    rows, seen = torch.rand(16, 5), []
    for _ in range(5):
        optimizer.zero_grad(set_to_none=True)
        network(rows).square().mean().backward()
        optimizer.step()
        seen.append(torch.cat([parameter.detach().flatten() for parameter in network.parameters()]))
    return seen


@pytest.mark.parametrize("kind", USABLE)
def test_every_step_is_the_same_to_the_last_bit(kind: type[Optimizer]) -> None:
    assert all(map(torch.equal, trained(uncompiled(kind)), trained(kind)))


def test_all_that_a_run_can_name_are_tried() -> None:
    assert {torch_names.optimizer_class(kind.__name__) for kind in USABLE} == set(USABLE)


def test_a_schedule_steers_them() -> None:
    optimizer = uncompiled(SGD)([nn.Parameter(torch.zeros(2))], lr=1.0)  # type: ignore[call-arg]
    scheduler = LambdaLR(optimizer, lambda epoch: 1 / (1 + epoch))

    optimizer.step()
    scheduler.step()

    assert optimizer.param_groups[0]["lr"] == 0.5


def test_what_a_step_computes_needs_no_gradients() -> None:
    parameter = nn.Parameter(torch.ones(2))
    optimizer = uncompiled(Adam)([parameter])  # type: ignore[call-arg]
    parameter.grad = torch.ones(2)

    optimizer.step()

    assert parameter.grad_fn is None
    assert all(not value.requires_grad for value in optimizer.state[parameter].values())


def test_they_are_still_the_kind_that_was_asked_for() -> None:
    for kind in (ASGD, RMSprop):
        assert issubclass(uncompiled(kind), kind)
        assert uncompiled(kind) is uncompiled(kind)
    assert CyclicLR(uncompiled(SGD)([nn.Parameter(torch.zeros(2))], lr=0.1), 0.1, 1.0, cycle_momentum=False)  # type: ignore[call-arg]
