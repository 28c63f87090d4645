"""A schedule that is taken forward from round to round says what one that is replayed in each round says, to the last bit."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.optim import lr_scheduler
from torch.optim.lr_scheduler import LRScheduler

from synergos.errors import InvalidRequest, JobCancelled
from synergos.learning.families.layers import later_epochs, torch_names
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
EXTRAS: dict[str, dict[str, Any]] = {"LinearLR": {"total_iters": 200}, "PolynomialLR": {"total_iters": 200}}
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


LATE = 700


@pytest.mark.parametrize("name", schedulers())
def test_a_late_round_of_a_process_that_has_just_started_gives_the_bits_of_a_replay(name: str) -> None:
    run = replace(run_with(name, "SGD", 4, momentum=True), rounds=LATE + 1)

    assert taken_forward(Schedule(run), run, LATE, 4) == replayed(run, LATE, 4)


@pytest.mark.parametrize("name", schedulers())
def test_the_last_of_a_million_rounds_of_a_million_epochs_begins_at_once(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(later_epochs, "EXACT_CHANGES", 2**13)
    run = replace(run_with(name, "SGD", 10**6, momentum=False), rounds=10**6)
    looks = 0

    def look() -> bool:
        nonlocal looks
        looks += 1
        return False

    schedule = Schedule(run)
    schedule.begin(10**6 - 1, look)
    schedule.step(0.5)

    assert looks <= 3


@pytest.mark.parametrize("name", ["StepLR", "ExponentialLR", "CosineAnnealingLR", "LinearLR", "PolynomialLR"])
def test_beyond_the_exact_epochs_the_way_to_an_epoch_makes_no_difference(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(later_epochs, "EXACT_CHANGES", 9)
    run = replace(
        run_with(name, "SGD", 4, momentum=False), rounds=50, extras={**EXTRAS.get(name, {}), **WANTED.get(name, {})}
    )
    went_on, exact = Schedule(run), replayed(run, 20, 4)
    for round_index in range(20):
        taken_forward(went_on, run, round_index, 4)

    found = taken_forward(went_on, run, 20, 4)

    assert found == taken_forward(Schedule(run), run, 20, 4)
    assert [group["lr"] for group in found] == pytest.approx([group["lr"] for group in exact])


def test_a_rate_that_grows_without_end_is_infinite(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(later_epochs, "EXACT_CHANGES", 2**12)
    run = replace(run_with("ExponentialLR", "SGD", 10**6, momentum=False), extras={"gamma": 1.5})

    schedule = Schedule(run)
    schedule.begin(5)

    assert replayed(replace(run, epochs=3000), 1, 1)[0]["lr"] == math.inf
    optimizer = run.make_optimizer([nn.Parameter(torch.zeros(3, 2))])
    schedule.steer(optimizer)
    assert group_of(optimizer)["lr"] == math.inf


def test_going_to_a_late_round_can_be_left() -> None:
    run = replace(run_with("CosineAnnealingLR", "SGD", 1000, momentum=False), rounds=1001)
    schedule = Schedule(run)

    with pytest.raises(JobCancelled):
        schedule.begin(1000, lambda: True)

    assert taken_forward(schedule, run, 1, 2) == replayed(run, 1, 2)


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
