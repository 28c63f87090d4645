"""What a round will come to is known of every schedule, also of one whose rates become too large for a number."""

from __future__ import annotations

import math

import pytest
from torch import nn

from synergos.learning.families.layers import LAYERS
from synergos.learning.families.layers.plan import local_plan

CYCLIC = {"optimizer": "SGD", "lr": 0.01, "lr_scheduler": "CyclicLR", "base_lr": 0.01, "max_lr": 0.1, "step_size_up": 1}


@pytest.mark.parametrize("weight_decay", [0.0, 0.5])
def test_rates_beyond_all_numbers_are_above_every_limit(weight_decay: float) -> None:
    growing = {**CYCLIC, "mode": "exp_range", "gamma": 2.0, "epochs": 1500, "weight_decay": weight_decay}

    assert local_plan(nn.Linear(1, 1), LAYERS.hyperparameters(growing), 10).rates > 1e100


def test_the_rates_of_a_constant_add_up() -> None:
    run = {"optimizer": "SGD", "lr": 0.5, "epochs": 3, "batch_size": 5}

    assert math.isclose(local_plan(nn.Linear(1, 1), LAYERS.hyperparameters(run), 10).rates, 0.5 * 3 * 2)
