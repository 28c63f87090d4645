"""An algorithm's settings are keys of a run: with defaults, checked, and missed by a letter only once."""

from __future__ import annotations

from typing import Any

import pytest
from torch import nn, optim
from torch.optim import lr_scheduler

from synergos.errors import InvalidRequest, UnknownName
from synergos.learning import algorithms
from synergos.learning.algorithms import ALGORITHMS, Algorithm, get
from synergos.learning.algorithms.fedadagrad import FedAdagrad
from synergos.learning.algorithms.fedadam import FedAdam
from synergos.learning.algorithms.fedavg import FedAvg
from synergos.learning.algorithms.fedprox import FedProx
from synergos.learning.algorithms.scaffold import Scaffold
from synergos.learning.algorithms.settings import settings_of
from synergos.learning.families.layers.constructor_arguments import parameters_of
from synergos.learning.families.layers.hyperparameters import LayersHyperparameters, check_run, unused


@pytest.mark.parametrize("algorithm", [get(name) for name in ALGORITHMS.names], ids=lambda algorithm: algorithm.name)
def test_every_algorithm_names_its_paper_and_can_be_trained_with_its_defaults(algorithm: type[Algorithm]) -> None:
    assert algorithm.paper[-4:].isdigit()
    check_run({"algorithm": algorithm.name})
    assert LayersHyperparameters.from_run({"algorithm": algorithm.name}).make_algorithm() == algorithm()


@pytest.mark.parametrize(
    ("run", "expected"),
    [
        ({"algorithm": "FedAvg", "mu": 0.3, "server_lr": 2.0}, FedAvg()),
        ({"mu": 0.3}, FedProx(mu=0.3)),
        ({"algorithm": "FedAdam", "server_lr": 0.5, "beta1": 0.0, "tau": 0.01}, FedAdam(0.5, 0.0, 0.01)),
        ({"algorithm": "FedAdagrad"}, FedAdagrad(server_lr=0.1, beta1=0.0, tau=0.001)),
        ({"algorithm": "SCAFFOLD", "server_lr": 2}, Scaffold(server_lr=2)),
    ],
)
def test_a_run_sets_what_its_algorithm_has(run: dict[str, Any], expected: Algorithm) -> None:
    hyperparameters = LayersHyperparameters.from_run(run)

    assert hyperparameters.make_algorithm() == expected
    assert LayersHyperparameters.from_dict(hyperparameters.to_dict()).make_algorithm() == expected


@pytest.mark.parametrize(
    ("run", "field"),
    [
        ({"algorithm": "FedAdam", "server_lr": 0}, "server_lr"),
        ({"algorithm": "FedAdam", "server_lr": "fast"}, "server_lr"),
        ({"algorithm": "FedAdam", "beta1": 1.0}, "beta1"),
        ({"algorithm": "FedYogi", "beta2": -0.1}, "beta2"),
        ({"algorithm": "FedAdagrad", "tau": 0.0}, "tau"),
        ({"algorithm": "FedAvgM", "server_momentum": float("nan")}, "server_momentum"),
        ({"algorithm": "SCAFFOLD", "server_lr": True}, "server_lr"),
    ],
)
def test_a_value_that_a_setting_cannot_have_is_refused(run: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        LayersHyperparameters.from_run(run)

    assert refused.value.field == field


def test_a_setting_missed_by_a_letter_is_refused_with_what_was_meant() -> None:
    refused = unused({"algorithm": "FedAdam", "server_Lr": 0.1})["server_Lr"]

    assert str(refused).startswith("server_Lr: 'server_Lr' is not a field of this run; did you mean server_lr")


def test_a_setting_of_another_algorithm_is_refused_with_those_that_have_it() -> None:
    refused = unused({"algorithm": "FedAvgM", "beta2": 0.9})["beta2"]

    assert str(refused) == "beta2: FedAvgM does not take it, FedAdam or FedYogi would (algorithm)"


def test_the_coefficient_that_the_originals_client_always_sends_is_taken_everywhere() -> None:
    assert not unused({"algorithm": "FedAvg", "mu": 0.1})


def test_no_setting_is_also_an_argument_of_torch() -> None:
    """It would reach both."""
    makers = [
        value for module in (nn, optim, lr_scheduler) for value in vars(module).values() if isinstance(value, type)
    ]
    trainers = [each for each in makers if issubclass(each, optim.Optimizer | lr_scheduler.LRScheduler)]
    losses = [each for each in makers if each.__name__.endswith("Loss")]

    taken = {name for maker in trainers + losses for name in parameters_of(maker)}

    assert not algorithms.setting_names() & taken


def test_settings_of_one_name_have_one_meaning() -> None:
    checks: dict[str, set[object]] = {}
    for known in ALGORITHMS.names:
        for name, check in settings_of(get(known)).items():
            checks.setdefault(name, set()).add(check)

    assert all(len(found) == 1 for found in checks.values())


def test_an_unknown_algorithm_names_the_field() -> None:
    with pytest.raises(UnknownName) as refused:
        get("FedGKT")

    assert refused.value.field == "algorithm"
