from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn

from synergos.errors import InvalidRequest, UnknownName
from synergos.learning import algorithms
from synergos.learning.families.layers.torch_names import (
    activation,
    criterion_class,
    layer_class,
    optimizer_class,
    scheduler_class,
)


@pytest.mark.parametrize(
    ("look_up", "wrong", "right"),
    [
        (optimizer_class, "Adma", "Adam"),
        (criterion_class, "NLLoss", "NLLLoss"),
        (scheduler_class, "CyclicLr", "CyclicLR"),
        (lambda name: layer_class(name, "l_type"), "linear", "Linear"),
        (lambda name: activation(name, "activation"), "rleu", "relu"),
        (algorithms.get, "FedProxx", "FedProx"),
    ],
)
def test_an_unknown_name_is_refused_with_its_near_misses(
    look_up: Callable[[str], object], wrong: str, right: str
) -> None:
    with pytest.raises(UnknownName, match=f"did you mean .*{right}"):
        look_up(wrong)


@pytest.mark.parametrize(
    ("look_up", "known"),
    [
        (optimizer_class, r"; known are ASGD, .*SGD$"),
        (criterion_class, r"; known are BCELoss, .*NLLLoss"),
        (scheduler_class, r"; known are .*ConstantLR.*StepLR"),
    ],
)
def test_where_nothing_is_near_all_that_there_are_are_named(look_up: Callable[[str], object], known: str) -> None:
    with pytest.raises(UnknownName, match=known):
        look_up("quux")


@pytest.mark.parametrize("name", [None, 3, ["Adam"], "", "Optimizer", "_functional"])
def test_what_is_no_name_of_an_optimizer_is_refused(name: object) -> None:
    with pytest.raises(UnknownName):
        optimizer_class(name)


@pytest.mark.parametrize(
    ("look_up", "name", "reason"),
    [
        (optimizer_class, "LBFGS", "several times per step"),
        (optimizer_class, "SparseAdam", "sparse"),
        (optimizer_class, "Muon", "matrices"),
        (criterion_class, "CTCLoss", "more than an output and a target"),
        (criterion_class, "TripletMarginLoss", "more than an output and a target"),
        (criterion_class, "CosineEmbeddingLoss", "more than an output and a target"),
        (criterion_class, "MarginRankingLoss", "more than an output and a target"),
        (criterion_class, "GaussianNLLLoss", "more than an output and a target"),
        (scheduler_class, "SequentialLR", "other schedulers"),
        (scheduler_class, "MultiplicativeLR", "a function"),
    ],
)
def test_what_cannot_work_is_refused_with_the_reason(look_up: Callable[[str], object], name: str, reason: str) -> None:
    with pytest.raises(InvalidRequest, match=reason):
        look_up(name)


def test_known_names_are_torchs_own_classes() -> None:
    assert layer_class("Conv2d", "l_type") is nn.Conv2d
    assert optimizer_class("AdamW") is torch.optim.AdamW
    assert criterion_class("HuberLoss") is nn.HuberLoss
    assert scheduler_class("StepLR") is torch.optim.lr_scheduler.StepLR


@pytest.mark.parametrize("name", ["relu", "sigmoid", "tanh", "leaky_relu", "logsigmoid", "gelu", "dropout2d"])
def test_an_activation_is_torchs_own_function(name: str) -> None:
    found = activation(name, "activation")
    rows = torch.randn(2, 3, 4, 4)

    assert found is not None
    torch.testing.assert_close(found(rows), rows if name == "dropout2d" else getattr(nn.functional, name)(rows))


@pytest.mark.parametrize("name", ["", None])
def test_no_activation_is_the_identity(name: str | None) -> None:
    assert activation(name, "activation") is None
