from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn
from torch.optim import SGD, Adam
from torch.optim.lr_scheduler import CyclicLR, ReduceLROnPlateau

from synergos.domain.feature_space import Action
from synergos.errors import InvalidRequest
from synergos.learning.families.layers import torch_names
from synergos.learning.families.layers.hyperparameters import LayersHyperparameters, check_run, run_fields, unused
from synergos.learning.families.layers.torch_keys import arguments_of

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


CYCLIC = {"lr_scheduler": "CyclicLR"}


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


def test_the_defaults_are_those_the_client_sends_but_for_the_schedule() -> None:
    sent = {name: value for name, value in AS_THE_CLIENT_SENDS_IT.items() if name != "lr_scheduler"}

    assert LayersHyperparameters.from_run(sent) == LayersHyperparameters.from_run({})
    assert LayersHyperparameters.from_run(AS_THE_CLIENT_SENDS_IT).lr_scheduler == "CyclicLR"


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

    assert LayersHyperparameters.from_run(run) == LayersHyperparameters.from_run({})


def test_to_dict_and_back() -> None:
    found = LayersHyperparameters.from_run({"rounds": 3, "momentum": 0.0, "weight": [1, 2], "comment": {"by": "me"}})

    assert found.extras == {"momentum": 0.0, "weight": [1, 2], "comment": {"by": "me"}, "factor": 1.0}
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
        ({"criterion": "HuberLoss", "criterion.delta": 0}, "criterion.delta"),
        ({"criterion": "HuberLoss", "criterion.delta": "a"}, "criterion.delta"),
        ({"lr_scheduler": "ReduceLROnPlateau", "lr_scheduler.patience": 1.5}, "lr_scheduler.patience"),
        ({"lr_scheduler": "ReduceLROnPlateau", "lr_scheduler.factor": 2.0}, "lr_scheduler.factor"),
        (
            {"lr_scheduler": "OneCycleLR", "lr_scheduler.max_lr": 0.1, "lr_scheduler.total_steps": 3},
            "lr_scheduler.total_steps",
        ),
        (
            {"lr_scheduler": "OneCycleLR", "max_lr": 0.1, "lr_scheduler.epochs": 3, "steps_per_epoch": 1},
            "steps_per_epoch",
        ),
        ({"optimizer.lr": -1.0}, "optimizer.lr"),
        ({"optimizer": "Adam", "optimizer.betas": [0.9]}, "optimizer.betas"),
        ({"criterion": "NLLLoss", "criterion.weight": ["a"]}, "criterion.weight"),
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
        ({"lr_scheduler": "ReduceLROnPlateau", "factor": -1e9}, "factor"),
        ({"lr_scheduler": "ReduceLROnPlateau", "lr_scheduler.factor": 0}, "lr_scheduler.factor"),
        ({"lr_scheduler": "ReduceLROnPlateau", "min_lr": -1e300}, "min_lr"),
        ({"lr_scheduler": "ReduceLROnPlateau", "min_lr": [-0.1]}, "min_lr"),
        ({"lr_scheduler": "ReduceLROnPlateau", "lr_scheduler.eps": -1e9}, "lr_scheduler.eps"),
        ({"lr_scheduler": "CyclicLR", "mode": "max"}, "mode"),
        ({"lr_scheduler": "CosineAnnealingWarmRestarts", "T_0": "x"}, "T_0"),
        ({"optimizer": "Adam", "betas": [0.9, 1.99]}, "betas"),
        ({"optimizer": "Adam", "betas": [0.9]}, "betas"),
        ({"optimizer": "Adam", "capturable": True}, "capturable"),
        ({**CYCLIC, "optimizer": "Adagrad", "cycle_momentum": True}, "cycle_momentum"),
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


@pytest.mark.parametrize("run", [{}, {"lr_scheduler": "ConstantLR"}, {"lr_decay": 0.1, "lr_scheduler": None}])
def test_the_learning_rate_is_what_it_says_and_stays_so(run: dict[str, Any]) -> None:
    assert rates({"lr": 0.05, **run}, 200) == [0.05] * 200


def test_a_constant_schedule_has_a_beginning_where_one_is_asked_for() -> None:
    third = {"lr": 0.3, "lr_scheduler": "ConstantLR", "total_iters": 2}

    assert rates(third, 3) == pytest.approx([0.1, 0.1, 0.3])
    assert rates({"lr": 0.3, "factor": 0.5}, 6) == pytest.approx([0.15] * 5 + [0.3])


def test_workers_of_before_are_told_that_it_is_constant() -> None:
    told = LayersHyperparameters.from_run({}).to_dict()

    assert (told["lr_scheduler"], told["factor"]) == ("ConstantLR", 1.0)


def test_a_cyclic_schedule_cycles_around_the_learning_rate() -> None:
    run = {"lr": 0.01, "step_size_up": 4, "lr_scheduler": "CyclicLR"}

    assert rates(run, 6) == pytest.approx([0.005, 0.01625, 0.0275, 0.03875, 0.05, 0.03875])


@pytest.mark.parametrize("run", [{"base_lr": 0.0005, "max_lr": 0.005}, {"base_lr": 0.0005}, {"max_lr": 0.005}])
def test_bounds_ask_for_a_cyclic_schedule(run: dict[str, Any]) -> None:
    found = LayersHyperparameters.from_run(run)

    assert isinstance(found.make_scheduler(found.make_optimizer([parameter()])), CyclicLR)
    assert unused(run) == {}
    assert unused(run | {"step_size_up": 4}) == {}
    assert unused({"step_size_up": 4}).keys() == {"step_size_up"}


def test_a_schedules_own_bounds_are_used() -> None:
    assert rates({"base_lr": 0.0005, "max_lr": 0.005, "step_size_up": 1}, 3) == pytest.approx([0.0005, 0.005, 0.0005])


def test_lambda_lr_decays_from_the_learning_rate() -> None:
    assert rates({"lr": 0.5, "lr_decay": 1.0, "lr_scheduler": ""}, 3) == pytest.approx([0.5, 0.25, 0.5 / 3])


def test_nobody_gets_momentum_who_did_not_ask_for_it() -> None:
    assert group({})["momentum"] == 0
    assert group(CYCLIC)["momentum"] == 0
    assert group({**CYCLIC, "momentum": 0.0})["momentum"] == 0
    assert group({**CYCLIC, "momentum": 0.5, "cycle_momentum": False})["momentum"] == 0.5
    assert group({**CYCLIC, "momentum": 0.5, "base_momentum": 0.6, "max_momentum": 0.7})["momentum"] == 0.7
    assert group({**CYCLIC, "optimizer.momentum": 0.5, "lr_scheduler.max_momentum": 0.7})["momentum"] == 0.7
    assert group({**CYCLIC, "cycle_momentum": True})["momentum"] == 0.9
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


def test_what_is_called_alike_is_said_to_one_of_the_three() -> None:
    run = {"criterion": "HuberLoss", "criterion.delta": 2.0, "delta": 0.5}
    found = LayersHyperparameters.from_run(run)
    loss = found.make_criterion("mean", Action.REGRESS)

    # Within 2 half the square, beyond 2 * (|error| - 1): errors 1 and 3 cost 0.5 and 4.
    assert float(loss(torch.tensor([1.0, 3.0]), torch.zeros(2))) == pytest.approx((0.5 + 4) / 2)
    assert found.delta == 0.5
    assert unused(run, Action.REGRESS) == {}
    assert LayersHyperparameters.from_dict(found.to_dict()) == found


def test_a_plateau_schedule_can_be_given_its_own_patience() -> None:
    run = {"lr_scheduler": "ReduceLROnPlateau", "lr_scheduler.patience": 3, "patience": 7, "lr_scheduler.factor": 0.5}
    found = LayersHyperparameters.from_run(run)
    scheduler = found.make_scheduler(SGD([parameter()], lr=1.0))

    assert isinstance(scheduler, ReduceLROnPlateau)
    assert (scheduler.patience, scheduler.factor, found.patience) == (3, 0.5, 7)
    assert unused(run) == {}


@pytest.mark.parametrize("role", ["optimizer", "criterion", "lr_scheduler"])
def test_every_argument_can_be_said_to_its_owner(role: str) -> None:
    """Whatever a plain key would say, one with its owner's name says as well."""
    for name, kind in torch_names.usable(role).items():
        for argument in arguments_of(kind):
            assert f"{role}.{argument}" in run_fields({role: [name]}), (name, argument)


def test_what_is_said_more_closely_goes_before_what_is_said_to_all() -> None:
    # Both the optimizer RMSprop and nobody else would take the plain one.
    run = {"optimizer": "RMSprop", "optimizer.alpha": 0.5, "optimizer.lr": 0.25, "optimizer.weight_decay": 0.125}

    assert {name: group(run)[name] for name in ("alpha", "lr", "weight_decay")} == {
        "alpha": 0.5,
        "lr": 0.25,
        "weight_decay": 0.125,
    }
    assert LayersHyperparameters.from_run(run).lr == 0.25
    assert unused(run) == {}
    assert str(unused(run | {"alpha": 0.9})["alpha"]) == "alpha: is said by optimizer.alpha"


@pytest.mark.parametrize(
    ("run", "name", "reason"),
    [
        ({"criterion.delta": 1.0}, "criterion.delta", "MSELoss does not take it, HuberLoss would (criterion)"),
        ({"lr_scheduler.patience": 1}, "lr_scheduler.patience", "ConstantLR does not take it, ReduceLROnPlateau would"),
        ({"optimizer.momentun": 0.9}, "optimizer.momentun", "did you mean optimizer.momentum"),
        ({"lr_scheduler.lr_lambda": 1}, "lr_scheduler.lr_lambda", "is not a field of this run"),
        ({"optimizer.params": 1}, "optimizer.params", "is not a field of this run"),
        ({"criterion": "HuberLoss", "delta": 0.5}, "delta", "HuberLoss has criterion.delta, which is 1"),
    ],
)
def test_a_key_that_its_owner_does_not_take_says_what_would(run: dict[str, Any], name: str, reason: str) -> None:
    found = unused(run, Action.REGRESS)

    assert list(found) == [name]
    assert reason in str(found[name])


def test_losses_that_are_told_something_else_cannot_be_compared() -> None:
    def kind(**run: Any) -> str:
        return LayersHyperparameters.from_run({"criterion": "HuberLoss", **run}).loss

    assert kind() == kind(lr=0.5, **{"optimizer.momentum": 0.5}) == "HuberLoss, None"
    assert kind(**{"criterion.delta": 2.0}) == "HuberLoss, None, delta=2.0"
    assert kind(reduction="sum") == kind(**{"criterion.reduction": "sum"}) == "HuberLoss, sum"


def test_a_plateau_schedule_takes_its_own_keys_only() -> None:
    found = LayersHyperparameters.from_run(
        {"lr_scheduler": "ReduceLROnPlateau", "factor": 0.25, "threshold": 0, "patience": 3}
    )
    scheduler = found.make_scheduler(SGD([parameter()], lr=1.0))

    assert isinstance(scheduler, ReduceLROnPlateau)
    assert (scheduler.factor, scheduler.threshold, scheduler.patience) == (0.25, 0, 10)
