"""A schedule that is taken forward from round to round says what one that is replayed in each round says, to the last bit."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.optim import lr_scheduler
from torch.optim.lr_scheduler import LRScheduler

from synergos.errors import InvalidRequest
from synergos.learning.families.layers import torch_names
from synergos.learning.families.layers.hyperparameters import LayersHyperparameters, step_scheduler
from synergos.learning.families.layers.schedule import Schedule

ROUNDS = 6
WANTED: dict[str, dict[str, Any]] = {
    "MultiStepLR": {"milestones": [2, 3, 7]},
    "StepLR": {"step_size": 3},
    "CosineAnnealingLR": {"T_max": 5},
    "CosineAnnealingWarmRestarts": {"T_0": 3, "T_mult": 2},
    "OneCycleLR": {"max_lr": 0.3},
    "CyclicLR": {"base_lr": 0.01, "max_lr": 0.2, "step_size_up": 3, "mode": "triangular2"},
    "ExponentialLR": {"gamma": 0.9},
    "ReduceLROnPlateau": {"patience": 1},
}
MOMENTUM = {"momentum": 0.9, "cycle_momentum": True, "base_momentum": 0.8, "max_momentum": 0.95}


def schedulers() -> list[str]:
    """All of them."""

    def is_usable(name: str) -> bool:
        try:
            torch_names.scheduler_class(name)
        except InvalidRequest:
            return False
        return True

    public = [
        name for name, value in vars(lr_scheduler).items() if isinstance(value, type) and issubclass(value, LRScheduler)
    ]
    return sorted(name for name in public if is_usable(name))


def group_of(optimizer: torch.optim.Optimizer) -> dict[str, Any]:
    return {name: value for name, value in optimizer.param_groups[0].items() if name != "params"}


def losses(round_index: int, epoch: int) -> float:
    return float((round_index * 7 + epoch * 3) % 5)


def replayed(run: LayersHyperparameters, round_index: int, epochs: int) -> list[dict[str, Any]]:
    """What each epoch of a round is trained with, all epochs before it gone through first."""
    optimizer = run.make_optimizer([nn.Parameter(torch.zeros(3, 2))])
    scheduler = run.make_scheduler(optimizer)
    if not isinstance(scheduler, lr_scheduler.ReduceLROnPlateau):
        optimizer.step()
        for _ in range(round_index * run.epochs):
            scheduler.step()
    found = []
    for epoch in range(epochs):
        found.append(group_of(optimizer))
        step_scheduler(scheduler, losses(round_index, epoch))
        optimizer.step()
    return found


def taken_forward(
    schedule: Schedule, run: LayersHyperparameters, round_index: int, epochs: int
) -> list[dict[str, Any]]:
    schedule.begin(round_index)
    optimizer = run.make_optimizer([nn.Parameter(torch.zeros(3, 2))])
    found = []
    for epoch in range(epochs):
        schedule.steer(optimizer)
        found.append(group_of(optimizer))
        schedule.step(losses(round_index, epoch))
    return found


def run_with(name: str, optimizer: str, epochs: int, *, momentum: bool) -> LayersHyperparameters:
    more = MOMENTUM if momentum and name in {"CyclicLR", "OneCycleLR"} else {}
    wanted = {"lr": 0.07, "rounds": ROUNDS, "epochs": epochs, "optimizer": optimizer, "lr_scheduler": name}
    return LayersHyperparameters.from_run(wanted | WANTED.get(name, {}) | more)


def test_every_scheduler_is_tried() -> None:
    assert {*WANTED, "LambdaLR", "LinearLR", "ConstantLR", "PolynomialLR"} <= set(schedulers())


@pytest.mark.parametrize("name", schedulers())
@given(
    visits=st.lists(st.tuples(st.integers(0, ROUNDS - 1), st.integers(1, 4)), min_size=1, max_size=6),
    optimizer=st.sampled_from(["SGD", "Adam"]),
    momentum=st.booleans(),
)
@settings(max_examples=15, derandomize=True, database=None, deadline=None)
def test_going_on_gives_the_bits_of_a_replay(
    name: str, visits: list[tuple[int, int]], optimizer: str, momentum: bool
) -> None:
    """In whatever order rounds are asked for, repeated or ended early."""
    run = run_with(name, optimizer, 4, momentum=momentum and optimizer == "SGD")
    schedule = Schedule(run)

    for round_index, epochs in visits:
        assert taken_forward(schedule, run, round_index, epochs) == replayed(run, round_index, epochs)


def test_a_late_round_costs_no_more_than_an_early_one(monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[float] = []
    run = run_with("StepLR", "SGD", 3, momentum=False)
    schedule = Schedule(run)
    original = Schedule.step

    def counted(self: Schedule, loss: float) -> None:
        steps.append(loss)
        original(self, loss)

    monkeypatch.setattr(Schedule, "step", counted)

    for round_index in range(200):
        taken_forward(schedule, run, round_index, 3)

    assert len(steps) == 200 * 3
