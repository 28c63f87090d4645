from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn
from torch.optim import SGD, Adam
from torch.optim.lr_scheduler import CyclicLR, ReduceLROnPlateau

from synergos.domain.feature_space import Action
from synergos.errors import InvalidRequest
from synergos.learning.families.layers.hyperparameters import LayersHyperparameters, check_run, unused

AS_THE_CLIENT_SENDS_IT = {
    "run_id": "r1",
    "algorithm": "FedProx",
    "rounds": 10,
    "epochs": 100,
    "lr": 0.001,
    "weight_decay": 0.0,
    "lr_decay": 0.1,
    "mu": 0.1,
    "l1_lambda": 0.0,
    "l2_lambda": 0.0,
    "optimizer": "SGD",
    "criterion": "BCELoss",
    "lr_scheduler": "CyclicLR",
    "delta": 0.0,
    "patience": 10,
    "seed": 42,
    "is_snn": False,
    "precision_fractional": 5,
}


def parameter() -> nn.Parameter:
    return nn.Parameter(torch.zeros(2, 2))


def group(run: dict[str, Any]) -> dict[str, Any]:
    """The parameter group of a run's optimizer once its scheduler is there."""
    found = LayersHyperparameters.from_run(run)
    optimizer = found.make_optimizer([parameter()])
    found.make_scheduler(optimizer)
    groups: list[dict[str, Any]] = optimizer.param_groups
    return groups[0]


def rates(run: dict[str, Any], epochs: int) -> list[float]:
    """The learning rate of each epoch."""
    found = LayersHyperparameters.from_run(run)
    optimizer = found.make_optimizer([parameter()])
    scheduler = found.make_scheduler(optimizer)
    seen = []
    for _ in range(epochs):
        seen.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return seen


@pytest.mark.parametrize("action", [Action.REGRESS, Action.CLASSIFY, None])
@pytest.mark.parametrize(
    "run", [{}, AS_THE_CLIENT_SENDS_IT, {"rounds": 2, "epochs": 1, "base_lr": 0.0005, "max_lr": 0.005}]
)
def test_a_run_with_defaults_can_train(run: dict[str, Any], action: Action | None) -> None:
    check_run(run, action)


def test_the_defaults_are_those_the_client_sends() -> None:
    assert LayersHyperparameters.from_run(AS_THE_CLIENT_SENDS_IT) == LayersHyperparameters.from_run({})


def test_null_counts_as_absent_and_the_records_envelope_is_left_out() -> None:
    run = {
        "batch_size": None,
        "rounds": None,
        "key": {"run_id": "r"},
        "kind": "Run",
        "doc_id": 1,
        "relations": {},
        "created_at": "now",
    }

    assert LayersHyperparameters.from_run(run) == LayersHyperparameters()


def test_to_dict_and_back() -> None:
    found = LayersHyperparameters.from_run({"rounds": 3, "momentum": 0.0, "weight": [1, 2], "comment": {"by": "me"}})

    assert found.extras == {"momentum": 0.0, "weight": [1, 2], "comment": {"by": "me"}}
    assert LayersHyperparameters.from_dict(found.to_dict()) == found


def test_the_default_loss_of_a_regression_is_mse() -> None:
    assert LayersHyperparameters.from_run({"criterion": "BCELoss"}, Action.REGRESS).criterion == "MSELoss"
    assert LayersHyperparameters.from_run({"criterion": "L1Loss"}, Action.REGRESS).criterion == "L1Loss"
    assert LayersHyperparameters.from_run({}, Action.CLASSIFY).criterion == "BCELoss"


@pytest.mark.parametrize("criterion", ["CrossEntropyLoss", "NLLLoss", "MultiMarginLoss", "HingeEmbeddingLoss"])
def test_a_regression_refuses_a_loss_of_classes(criterion: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        check_run({"criterion": criterion}, Action.REGRESS)

    assert refused.value.field == "criterion"


@pytest.mark.parametrize("criterion", ["BCEWithLogitsLoss", "KLDivLoss", "SoftMarginLoss"])
def test_a_regression_refuses_a_loss_of_probabilities_with_those_it_can_have(criterion: str) -> None:
    with pytest.raises(InvalidRequest, match="HuberLoss, L1Loss, MSELoss, PoissonNLLLoss, SmoothL1Loss"):
        check_run({"criterion": criterion}, Action.REGRESS)


def test_what_the_client_sends_is_taken_whatever_is_trained_with_it() -> None:
    runs: list[dict[str, Any]] = [
        {},
        {"algorithm": "FedAvg"},
        {"optimizer": "Adam", "lr_scheduler": "StepLR", "step_size": 3},
        {"base_lr": 0.0005, "max_lr": 0.005},
    ]

    assert [unused(AS_THE_CLIENT_SENDS_IT | run, action) for run in runs for action in Action] == [{}] * 8


@pytest.mark.parametrize(
    ("run", "reason"),
    [
        ({"scale_fn": "x"}, "'scale_fn' is not a field of this run; did you mean scale_mode"),
        ({"reduce": True}, "did you mean reduction"),
        ({"optimizer": "Adam", "momentun": 0.9}, "did you mean momentum"),
        ({"pos_weight": [2.0]}, "MSELoss does not take it, nor would any that fits the project (criterion)"),
        ({"eps": 0.1}, "SGD does not take it, Adadelta or"),
        ({"gamma": 0.1, "lr_scheduler": "ConstantLR"}, "ConstantLR does not take it, CyclicLR or ExponentialLR or"),
    ],
)
def test_a_key_that_nothing_takes_says_what_would(run: dict[str, Any], reason: str) -> None:
    [(name, refusal)] = unused(run, Action.REGRESS).items()

    assert refusal.field == name
    assert reason in str(refusal)


@pytest.mark.parametrize(
    ("run", "field"),
    [
        ({"rounds": 0}, "rounds"),
        ({"rounds": True}, "rounds"),
        ({"rounds": "10"}, "rounds"),
        ({"epochs": 1.5}, "epochs"),
        ({"batch_size": 0}, "batch_size"),
        ({"lr": 0}, "lr"),
        ({"lr": -1.0}, "lr"),
        ({"lr": float("nan")}, "lr"),
        ({"lr": float("inf")}, "lr"),
        ({"mu": -0.1}, "mu"),
        ({"patience": 0}, "patience"),
        ({"seed": 2**64}, "seed"),
        ({"optimizer": 5}, "optimizer"),
        ({"optimizer": "Adma"}, "optimizer"),
        ({"criterion": "BCEloss"}, "criterion"),
        ({"criterion": "TripletMarginLoss"}, "criterion"),
        ({"lr_scheduler": "StepLr"}, "lr_scheduler"),
        ({"algorithm": "FedGKT"}, "algorithm"),
        ({"mode": "sideways"}, "mode"),
        ({"reduction": "median"}, "reduction"),
        ({"scale_mode": "epoch"}, "scale_mode"),
        ({"is_snn": 1}, "is_snn"),
        ({"cycle_momentum": "no"}, "cycle_momentum"),
        ({"momentum": "a"}, "momentum"),
        ({"lr_scheduler": "StepLR"}, "step_size"),
        ({"lr_scheduler": "StepLR", "step_size": "3"}, "step_size"),
        ({"lr_scheduler": "OneCycleLR"}, "max_lr"),
        ({"lr_scheduler": "OneCycleLR", "max_lr": 0.1, "total_steps": 3}, "total_steps"),
        ({"lr_scheduler": "ReduceLROnPlateau", "factor": 2.0}, "factor"),
        ({"lr_scheduler": "CyclicLR", "mode": "max"}, "mode"),
        ({"lr_scheduler": "CosineAnnealingWarmRestarts", "T_0": "x"}, "T_0"),
        ({"optimizer": "Adam", "betas": [0.9, 1.99]}, "betas"),
        ({"optimizer": "Adam", "betas": [0.9]}, "betas"),
        ({"optimizer": "Adam", "capturable": True}, "capturable"),
        ({"optimizer": "Adagrad", "cycle_momentum": True}, "cycle_momentum"),
        ({"nesterov": True}, "nesterov"),
        ({"criterion": "NLLLoss", "weight": ["a"]}, "weight"),
    ],
)
def test_what_cannot_work_names_the_field(run: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        check_run(run)

    assert refused.value.field == field
    assert str(refused.value).startswith(f"{field}: ")


@pytest.mark.parametrize(
    "run",
    [
        {"lr_scheduler": ""},
        {"lr_scheduler": "StepLR", "step_size": 3, "gamma": 0.0},
        {"lr_scheduler": "ReduceLROnPlateau", "mode": "max", "factor": 0.5, "cooldown": 1},
        {"lr_scheduler": "OneCycleLR", "max_lr": 0.1},
        {"lr_scheduler": "MultiStepLR", "milestones": [1, 5]},
        {"lr_scheduler": "CosineAnnealingLR", "T_max": 5, "eta_min": 0},
        {"optimizer": "Adam", "betas": [0.8, 0.9], "amsgrad": True},
        {"optimizer": "RMSprop", "alpha": 0.9, "momentum": 0.5},
        {"optimizer": "Rprop", "etas": [0.5, 1.2]},
        {"criterion": "HuberLoss", "delta": 0.0},
        {"criterion": "CrossEntropyLoss", "weight": [1, 2.5], "label_smoothing": 0.1},
        {"scale_fn": "anything", "reduce": True, "last_epoch": 3, "input_size": [1, 2]},
    ],
)
def test_what_torch_offers_can_be_used(run: dict[str, Any]) -> None:
    check_run(run)


@pytest.mark.parametrize("optimizer", ["ASGD", "Adadelta", "Adafactor", "Adagrad", "Adam", "AdamW", "Adamax", "NAdam", "RAdam", "RMSprop", "Rprop", "SGD"])  # fmt: skip
def test_every_optimizer_goes_with_the_default_schedule(optimizer: str) -> None:
    check_run({"optimizer": optimizer})


def test_the_default_schedule_cycles_around_the_learning_rate() -> None:
    found = LayersHyperparameters.from_run({"lr": 0.01, "step_size_up": 4})
    scheduler = found.make_scheduler(found.make_optimizer([parameter()]))

    assert isinstance(scheduler, CyclicLR)
    assert rates({"lr": 0.01, "step_size_up": 4}, 6) == pytest.approx([0.005, 0.01625, 0.0275, 0.03875, 0.05, 0.03875])


def test_a_schedules_own_bounds_are_used() -> None:
    assert rates({"base_lr": 0.0005, "max_lr": 0.005, "step_size_up": 1}, 3) == pytest.approx([0.0005, 0.005, 0.0005])


def test_lambda_lr_decays_from_the_learning_rate() -> None:
    assert rates({"lr": 0.5, "lr_decay": 1.0, "lr_scheduler": ""}, 3) == pytest.approx([0.5, 0.25, 0.5 / 3])


def test_nobody_gets_momentum_who_did_not_ask_for_it() -> None:
    assert group({})["momentum"] == 0
    assert group({"momentum": 0.0})["momentum"] == 0
    assert group({"momentum": 0.5, "cycle_momentum": False})["momentum"] == 0.5
    assert group({"momentum": 0.5, "base_momentum": 0.6, "max_momentum": 0.7})["momentum"] == 0.7
    assert group({"cycle_momentum": True})["momentum"] == 0.9
    assert group({"lr_scheduler": "StepLR", "step_size": 1, "momentum": 0.5})["momentum"] == 0.5


def test_explicit_zero_and_false_are_forwarded() -> None:
    found = LayersHyperparameters.from_run(
        {"lr_scheduler": "ExponentialLR", "gamma": 0, "optimizer": "Adam", "eps": 0, "amsgrad": False}
    )
    optimizer = found.make_optimizer([parameter()])

    assert isinstance(optimizer, Adam)
    assert optimizer.param_groups[0]["eps"] == 0
    assert rates({"lr_scheduler": "ExponentialLR", "gamma": 0}, 2) == [0.001, 0.0]


def test_l2_replaces_weight_decay() -> None:
    assert group({"weight_decay": 0.5})["weight_decay"] == 0.5
    assert group({"weight_decay": 0.5, "l2_lambda": 0.1})["weight_decay"] == 0.0


def test_a_plateau_schedule_takes_its_own_keys_only() -> None:
    found = LayersHyperparameters.from_run(
        {"lr_scheduler": "ReduceLROnPlateau", "factor": 0.25, "threshold": 0, "patience": 3}
    )
    scheduler = found.make_scheduler(SGD([parameter()], lr=1.0))

    assert isinstance(scheduler, ReduceLROnPlateau)
    assert (scheduler.factor, scheduler.threshold, scheduler.patience) == (0.25, 0, 10)
