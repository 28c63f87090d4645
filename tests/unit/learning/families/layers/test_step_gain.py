from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest
import torch
from torch import nn

from synergos.domain.feature_space import Action
from synergos.learning import algorithms
from synergos.learning.algorithms.fedavg import FedAvg
from synergos.learning.algorithms.fedprox import FedProx
from synergos.learning.algorithms.settings import COEFFICIENT, setting
from synergos.learning.families.layers.hyperparameters import LayersHyperparameters
from synergos.learning.families.layers.step_gain import decay_of, further, step_gain
from synergos.registry import Registry


def run_of(**run: Any) -> LayersHyperparameters:
    return LayersHyperparameters.from_run({"epochs": 1, "algorithm": "FedAvg", "lr": 1.0, **run}, Action.REGRESS)


@pytest.mark.parametrize(
    ("run", "most"),
    [
        ({"optimizer": "SGD", "weight_decay": 0.1}, 1),
        ({"optimizer": "SGD", "momentum": 0.9}, 10.001),
        ({"optimizer": "Adam"}, 8),
        ({"optimizer": "AdamW", "weight_decay": 0.01}, 8),
        ({"optimizer": "NAdam"}, 8),
        ({"optimizer": "RAdam"}, 8),
        ({"optimizer": "Adamax"}, 1.1),
        ({"optimizer": "Adagrad"}, 1),
        ({"optimizer": "Adadelta"}, 1),
        ({"optimizer": "Adafactor"}, 1),
        ({"optimizer": "ASGD"}, 1),
        ({"optimizer": "RMSprop"}, 10.001),
        ({"l1_lambda": 0.1, "l2_lambda": 0.1}, 1),
    ],
)
def test_what_people_train_with_has_small_steps(run: Mapping[str, Any], most: float) -> None:
    assert 1 <= step_gain(run_of(**run), 32, 1000) <= most


@pytest.mark.parametrize(
    ("run", "gradients"),
    [
        ({"optimizer": "RMSprop", "alpha": 1.0, "eps": 1e-6}, [1, 1]),
        ({"optimizer": "RMSprop", "alpha": 0.5, "centered": True, "eps": 1e-6}, [1] * 12),
        ({"optimizer": "RMSprop"}, [1]),
        ({"optimizer": "Adam"}, [0] * 40 + [1]),
        ({"optimizer": "Adam", "betas": [0.9, 0.0], "eps": 1e-6}, [1, 0]),
        ({"optimizer": "Adam", "betas": [0.0, 0.9999]}, [0] * 40 + [1]),
        ({"optimizer": "Adamax", "betas": [0.9, 0.0], "eps": 1e-6}, [1, 0]),
        ({"optimizer": "Rprop", "etas": [0.5, 1e3], "step_sizes": [1e-6, 1e9]}, [1] * 4),
        ({"momentum": 0.5, "dampening": 1e6}, [1, 1]),
        ({"weight_decay": 1001.0}, [1, 1, 1]),
    ],
)
def test_no_steps_move_a_weight_farther_than_is_said_beforehand(run: Mapping[str, Any], gradients: list[float]) -> None:
    asked = run_of(**run)
    weight = nn.Parameter(torch.zeros(1, dtype=torch.float64))
    optimizer = asked.make_optimizer([weight])
    farthest = 0.0
    for gradient in gradients:
        before = weight.detach().clone()
        weight.grad = torch.full_like(weight, gradient)
        optimizer.step()
        farthest = max(farthest, float((weight.detach() - before).abs()))

    reach = further(0.0, 1.0, decay_of(asked, optimizer.param_groups[0]), len(gradients))
    assert farthest <= reach * step_gain(asked, 1, len(gradients)) * (1 + 1e-6)


@dataclass(frozen=True)
class Held(FedAvg):
    """Another algorithm that holds participants back, in a file of its own."""

    name: ClassVar[str] = "Held"
    hold: float = setting(0.5, COEFFICIENT)

    @property
    def pull(self) -> float:
        return self.hold


def test_what_an_algorithm_holds_participants_back_by_counts_as_decay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(algorithms, "ALGORITHMS", Registry("an algorithm", FedAvg, FedProx, Held))
    plain = {"lr": 1.0, "weight_decay": 0.125}

    assert decay_of(run_of(), plain) == 0.125
    assert decay_of(run_of(algorithm="FedProx", mu=0.25), plain) == 0.375
    assert decay_of(run_of(algorithm="Held", hold=2.0), plain) == 2.125
