from __future__ import annotations

import copy
import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from factories.network_models import DEEP, WEIGHT, layer, linear, one_weight, rows
from synergos.domain.feature_space import Action
from synergos.errors import InvalidRequest, JobCancelled
from synergos.learning.algorithms import Bag, Step
from synergos.learning.families import LocalResult
from synergos.learning.families.layers.hyperparameters import LayersHyperparameters
from synergos.learning.families.layers.layer_checks import Layer
from synergos.learning.families.layers.local_trainer import LocalTrainer
from synergos.learning.families.layers.local_training import evaluate_locally, train_locally
from synergos.learning.families.layers.network import Network, build_network
from synergos.learning.families.layers.objective import Objective

CONSTANT: dict[str, Any] = {"lr_scheduler": "LambdaLR", "lr_decay": 0.0}
"""A schedule that leaves the learning rate alone."""

X = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [2.0, 1.0]])
Y = torch.tensor([[1.0], [2.0], [3.0], [4.0]])


def train(
    network: Network,
    inputs: Tensor = X,
    targets: Tensor = Y,
    *,
    round_index: int = 0,
    participant_id: str = "worker_1",
    reference: dict[str, Tensor] | None = None,
    action: Action = Action.REGRESS,
    **run: Any,
) -> LocalResult:
    """One round of the run's algorithm at one participant."""
    hyperparameters = LayersHyperparameters.from_run({"epochs": 1, "algorithm": "FedAvg", **CONSTANT, **run}, action)
    local = LocalTrainer(
        network,
        network,
        inputs,
        targets,
        hyperparameters,
        Objective(hyperparameters, action),
        participant_id,
        Step(round_index),
    )
    message = Bag({"weights": reference if reference is not None else copy.deepcopy(network.state_dict())})
    hyperparameters.make_algorithm().client(local.step, message, None, local)
    [result] = local.done
    return result


def trained(layers: list[Layer], inputs: Tensor, targets: Tensor, **options: Any) -> dict[str, bytes]:
    """The bytes of a network's weights after a round."""
    network = build_network(layers, seed=5)
    train(network, inputs, targets, **options)
    return {name: tensor.numpy().tobytes() for name, tensor in network.state_dict().items()}


ONE, TWO = torch.tensor([[1.0]]), torch.tensor([[2.0]])


def test_one_step_of_gradient_descent() -> None:
    """Loss (w - 2)^2 at w = 1: gradient -2, so w becomes 1 + 0.1 * 2; reported is the loss before the step."""
    network = one_weight(1.0)

    result = train(network, ONE, TWO, lr=0.1)

    assert network.state_dict()[WEIGHT].item() == pytest.approx(1.2)
    assert (result.rows, result.loss, result.epochs) == (1, 1.0, 1)


def test_two_proximal_steps() -> None:
    """The second step starts at 1.2: gradient 2 * (1.2 - 2) + mu * (1.2 - 1) = -1.6 + 0.5 * 0.2 = -1.5."""
    network = one_weight(1.0)

    result = train(network, ONE, TWO, lr=0.1, epochs=2, algorithm="FedProx", mu=0.5)

    assert network.state_dict()[WEIGHT].item() == pytest.approx(1.35)
    assert result.loss == pytest.approx(0.64)  # of the criterion alone


def test_l1_and_l2_change_the_step() -> None:
    """Gradient -2 + 0.5 * sign(1) + 0.25 * 1."""
    network = one_weight(1.0)

    result = train(network, ONE, TWO, lr=0.1, l1_lambda=0.5, l2_lambda=0.25)

    assert network.state_dict()[WEIGHT].item() == pytest.approx(1 + 0.1 * 1.25)
    assert result.loss == 1.0


def test_training_starts_from_the_reference() -> None:
    network = one_weight(77.0)

    train(network, ONE, TWO, lr=0.1, reference=one_weight(1.0).state_dict())

    assert network.state_dict()[WEIGHT].item() == pytest.approx(1.2)


def test_the_reference_is_left_alone() -> None:
    reference = {WEIGHT: torch.tensor([[1.0]])}

    train(one_weight(1.0), ONE, TWO, lr=0.1, epochs=3, algorithm="FedProx", mu=5.0, reference=reference)

    assert reference[WEIGHT].item() == 1.0


def test_the_reference_may_be_the_networks_own_memory() -> None:
    apart, own = one_weight(1.0), one_weight(1.0)

    train(apart, ONE, TWO, lr=0.1, epochs=3, reference={WEIGHT: torch.tensor([[1.0]])})
    train(own, ONE, TWO, lr=0.1, epochs=3, reference=dict(own.state_dict()))

    assert torch.equal(apart.state_dict()[WEIGHT], own.state_dict()[WEIGHT])


def test_fedprox_stays_nearer_to_the_global_model() -> None:
    inputs, targets = rows(64)

    def distance(mu: float) -> float:
        network = build_network([linear(3, 1)], seed=1)
        start = copy.deepcopy(network.state_dict())
        train(network, inputs, targets, epochs=20, lr=0.05, algorithm="FedProx", mu=mu)
        return sum(float((tensor - start[name]).norm()) for name, tensor in network.state_dict().items())

    assert distance(2.0) < distance(0.1) < distance(0.0)


def test_a_participant_learns() -> None:
    network = build_network([linear(3, 1)], seed=1)

    result = train(network, *rows(200), epochs=50, batch_size=16, lr=0.05)

    assert result.loss < 1e-4
    assert result.seconds > 0


def test_a_repeated_round_gives_the_same_bytes() -> None:
    inputs, targets = rows(50)
    run: dict[str, Any] = {"epochs": 3, "batch_size": 8, "round_index": 2, "optimizer": "Adam"}

    torch.manual_seed(1)
    first = trained(DEEP, inputs, targets, **run)
    torch.manual_seed(2)
    torch.rand(7)
    again = trained(DEEP, inputs, targets, **run)

    assert first == again


@pytest.mark.parametrize("other", [{"participant_id": "worker_2"}, {"round_index": 3}, {"seed": 43}])
def test_order_and_dropout_depend_on_seed_participant_and_round(other: dict[str, Any]) -> None:
    inputs, targets = rows(50)
    run = {"batch_size": 8, "round_index": 2}

    assert trained([linear(3, 1)], inputs, targets, **run) != trained([linear(3, 1)], inputs, targets, **run | other)
    run = {"round_index": 2}
    assert trained(DEEP, inputs, targets, **run) != trained(DEEP, inputs, targets, **run | other)


def test_training_leaves_the_global_random_numbers_alone() -> None:
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)

    trained(DEEP, *rows(20), batch_size=4)

    assert torch.equal(torch.rand(3), expected)


def batches_of(count: int, batch_size: int | None, epochs: int = 1) -> list[list[float]]:
    """The inputs of every batch of a training on rows 0, 1, 2, …"""
    network = one_weight(0.0)
    seen: list[list[float]] = []
    network.register_forward_hook(lambda module, arguments, output: seen.append(arguments[0].reshape(-1).tolist()))
    inputs = torch.arange(count, dtype=torch.float32).reshape(-1, 1)
    train(network, inputs, inputs, batch_size=batch_size, epochs=epochs, lr=1e-6)
    return seen


@pytest.mark.parametrize(
    ("count", "batch_size", "sizes"),
    [
        (10, None, [10]),
        (10, 20, [10]),
        (10, 5, [5, 5]),
        (10, 4, [4, 4, 2]),
        (9, 4, [4, 5]),
        (3, 1, [1, 2]),
        (1, 1, [1]),
    ],
)
def test_batches(count: int, batch_size: int | None, sizes: list[int]) -> None:
    seen = batches_of(count, batch_size)

    assert [len(batch) for batch in seen] == sizes
    assert sorted(value for batch in seen for value in batch) == list(range(count))


def test_the_first_loss_is_that_of_the_first_epoch() -> None:
    """Loss (w - 2)² from w = 1 with half a step of Newton's: 1, then 0.25."""
    result = train(one_weight(1.0), ONE, TWO, lr=0.25, epochs=2)

    assert (result.first_loss, result.loss) == (1.0, 0.25)


def test_an_epoch_that_strays_does_not_hide_where_it_began() -> None:
    """Each step multiplies the distance to 2 by 1 - 2 lr = -199: losses 1 and 199² in batches of one row, 1 before."""
    two = torch.cat([ONE, ONE, ONE, ONE])

    result = train(one_weight(1.0), two, 2 * two, lr=100.0, batch_size=2)

    assert result.loss == (1 + 199**2) / 2
    assert result.first_loss == 1.0


def test_every_epoch_has_another_order() -> None:
    first, second = np.array_split(np.array(batches_of(32, 8, epochs=2)), 2)

    assert first.tolist() != second.tolist()
    assert sorted(first.reshape(-1)) == sorted(second.reshape(-1))
    assert first.reshape(-1).tolist() != sorted(first.reshape(-1))


def test_the_reported_loss_is_the_mean_over_rows_not_over_batches() -> None:
    """With a rate that changes nothing: squares of 0..4 in batches of 3 and 2."""
    inputs = torch.arange(5, dtype=torch.float32).reshape(-1, 1)

    result = train(one_weight(0.0), inputs, inputs, batch_size=3, lr=1e-12)

    assert result.loss == pytest.approx(30 / 5)


def test_a_sum_is_followed_and_a_mean_is_reported() -> None:
    network = one_weight(1.0)

    result = train(network, torch.ones(3, 1), torch.full((3, 1), 2.0), lr=0.1, reduction="sum")

    assert network.state_dict()[WEIGHT].item() == pytest.approx(1 + 0.1 * 6)
    assert result.loss == 1.0


def weight_after(round_index: int, epochs: int, **run: Any) -> float:
    network = one_weight(0.0)
    # Loss |w * 1 - 1000|: the gradient is -1, so the weight is the sum of the learning rates.
    train(network, ONE, torch.tensor([[1000.0]]), criterion="L1Loss", round_index=round_index, epochs=epochs, **run)
    return float(network.state_dict()[WEIGHT].item())


@pytest.mark.parametrize(
    ("run", "rates"),
    [
        ({"lr_scheduler": "StepLR", "step_size": 3, "gamma": 0.5, "lr": 1.0}, [1, 1, 1, 0.5, 0.5, 0.5]),
        ({"lr_scheduler": "LambdaLR", "lr_decay": 1.0, "lr": 1.0}, [1, 1 / 2, 1 / 3, 1 / 4, 1 / 5, 1 / 6]),
        ({"lr_scheduler": "CyclicLR", "base_lr": 0.0, "max_lr": 1.0, "step_size_up": 2}, [0, 0.5, 1, 0.5, 0, 0.5]),
    ],
)
def test_the_schedule_goes_on_from_round_to_round(run: dict[str, Any], rates: list[float]) -> None:
    assert weight_after(0, 2, **run) == pytest.approx(sum(rates[0:2]))
    assert weight_after(1, 2, **run) == pytest.approx(sum(rates[2:4]))
    assert weight_after(2, 2, **run) == pytest.approx(sum(rates[4:6]))


def test_one_cycle_lasts_for_all_rounds() -> None:
    run = {"lr_scheduler": "OneCycleLR", "max_lr": 1.0, "rounds": 3}

    first, middle, last = (weight_after(index, 4, **run) for index in range(3))

    assert last < first < middle
    assert weight_after(0, 1, **run | {"rounds": 1}) > 0


def test_a_plateau_schedule_starts_afresh_and_looks_at_the_loss() -> None:
    """The loss rises by nothing it could call better, so the rate is divided after the second epoch."""
    run = {"lr_scheduler": "ReduceLROnPlateau", "factor": 0.5, "threshold": 100.0, "threshold_mode": "abs", "lr": 1.0}
    run |= {"cooldown": 0, "mode": "min"}

    assert weight_after(0, 20, **run) == weight_after(5, 20, **run)
    assert weight_after(0, 20, **run) < 20


def test_steps_backwards_reach_as_far_as_others() -> None:
    """A cosine goes from 1 to -1 in two epochs, by way of 0."""
    cosine: dict[str, Any] = {"lr_scheduler": "CosineAnnealingLR", "T_max": 2, "eta_min": -1.0}
    result = train(one_weight(0.0), ONE, ONE, lr=1.0, epochs=3, **cosine)

    assert result.rates == pytest.approx(0, abs=1e-12)
    assert result.reach == pytest.approx(2)


def test_the_optimizer_starts_fresh_each_round() -> None:
    """With momentum 0.9 the second step of a round is 1.9 as long as the first; in a new round it is not."""
    run = {"lr": 1.0, "momentum": 0.9}

    assert weight_after(0, 1, **run) == weight_after(1, 1, **run) == 1.0
    assert weight_after(0, 2, **run) == pytest.approx(2.9)


def test_a_participant_stops_early() -> None:
    """The loss at a weight of 0 or 2 is the same, and an equal loss is no improvement of at least a half."""
    result = train(one_weight(0.0), ONE, ONE, lr=1.0, epochs=50, patience=3, delta=0.5)

    assert result.epochs == 4


def test_a_loss_that_is_not_finite_ends_training() -> None:
    network = one_weight(1.0)

    result = train(network, ONE * 1e30, TWO, epochs=50)

    assert math.isnan(result.loss)
    assert result.epochs == 1
    assert network.state_dict()[WEIGHT].item() == 1.0


def test_divergence_is_reported_as_not_a_number() -> None:
    result = train(one_weight(1.0), ONE, TWO, epochs=500, lr=100.0, patience=1000)

    assert math.isnan(result.loss)
    assert result.epochs < 500


def test_progress_is_told_epoch_by_epoch() -> None:
    told: list[tuple[int, int]] = []
    hyperparameters = LayersHyperparameters.from_run({"epochs": 3, **CONSTANT}, Action.REGRESS)

    train_locally(
        one_weight(1.0),
        ONE,
        TWO,
        hyperparameters=hyperparameters,
        objective=Objective(hyperparameters, Action.REGRESS),
        reference=one_weight(1.0).state_dict(),
        round_index=0,
        participant_id="worker_1",
        on_epoch=lambda epoch, epochs: told.append((epoch, epochs)),
    )

    assert told == [(1, 3), (2, 3), (3, 3)]


def test_it_stops_before_the_next_batch_when_asked_to() -> None:
    network = one_weight(0.0)
    seen: list[int] = []
    network.register_forward_hook(lambda module, arguments, output: seen.append(len(arguments[0])))
    hyperparameters = LayersHyperparameters.from_run({"batch_size": 2, **CONSTANT}, Action.REGRESS)

    with pytest.raises(JobCancelled):
        train_locally(
            network,
            *rows(10, width=1),
            hyperparameters=hyperparameters,
            objective=Objective(hyperparameters, Action.REGRESS),
            reference=network.state_dict(),
            round_index=0,
            participant_id="worker_1",
            should_stop=lambda: len(seen) == 3,
        )

    assert len(seen) == 3


def test_batch_normalisation_learns_from_a_last_row_too() -> None:
    layers = [layer("BatchNorm1d", num_features=3), linear(3, 1)]

    assert train(build_network(layers), *rows(9), batch_size=4).rows == 9


@pytest.mark.parametrize(("count", "batch_size"), [(1, None), (4, 1)])
def test_batch_normalisation_needs_two_rows_in_a_batch(count: int, batch_size: int | None) -> None:
    with pytest.raises(InvalidRequest) as refused:
        train(build_network([layer("BatchNorm1d", num_features=3), linear(3, 1)]), *rows(count), batch_size=batch_size)

    assert refused.value.field == "batch_size"


def test_buffers_are_no_weights() -> None:
    """L2 of the running statistics would have no gradient, but FedProx must not stumble over them either."""
    network = build_network([layer("BatchNorm1d", num_features=3), linear(3, 1)], seed=1)

    train(network, *rows(20), algorithm="FedProx", l1_lambda=0.1, l2_lambda=0.1)

    assert network.state_dict()["nnl_0_batchnorm1d.num_batches_tracked"].item() == 1


@pytest.mark.parametrize("wrong", [{}, {WEIGHT: torch.zeros(1)}, {WEIGHT: torch.zeros(1, 1), "more": torch.zeros(1)}])
def test_weights_of_another_network_are_not_taken(wrong: dict[str, torch.Tensor]) -> None:
    hyperparameters = LayersHyperparameters.from_run(CONSTANT, Action.REGRESS)

    with pytest.raises(ValueError, match="no weights of this network"):
        train_locally(
            one_weight(1.0),
            ONE,
            TWO,
            hyperparameters=hyperparameters,
            objective=Objective(hyperparameters, Action.REGRESS),
            reference=wrong,
            round_index=0,
            participant_id="worker_1",
        )


def test_no_rows_and_no_weights_are_refused() -> None:
    with pytest.raises(InvalidRequest, match="worker_1 has no row to train on"):
        train(one_weight(1.0), torch.zeros(0, 1), torch.zeros(0, 1))
    with pytest.raises(InvalidRequest, match="nothing to train"):
        train(build_network([layer("Identity")]), ONE, TWO)


@pytest.mark.parametrize(("labels", "tail"), [(2, linear(3, 1, "sigmoid")), (3, linear(3, 3, "softmax"))])
def test_a_run_with_all_defaults_trains_a_classifier(labels: int, tail: Layer) -> None:
    inputs, sums = rows(60)
    targets = (sums > 0).float() if labels == 2 else (sums.reshape(-1) > 0).long()
    network = build_network([tail], seed=1)
    hyperparameters = LayersHyperparameters.from_run({"lr": 0.1}, Action.CLASSIFY)
    objective = Objective(hyperparameters, Action.CLASSIFY)
    before = evaluate_locally(network, inputs, targets, objective=objective)

    result = train_locally(
        network,
        inputs,
        targets,
        hyperparameters=hyperparameters,
        objective=objective,
        reference=network.state_dict(),
        round_index=0,
        participant_id="worker_1",
    )

    assert result.epochs == 100
    assert evaluate_locally(network, inputs, targets, objective=objective).loss < before.loss


def trainer(network: Network, inputs: Tensor, targets: Tensor, **run: Any) -> LocalTrainer:
    hyperparameters = LayersHyperparameters.from_run({"algorithm": "FedAvg", **CONSTANT, **run}, Action.REGRESS)
    objective = Objective(hyperparameters, Action.REGRESS)
    return LocalTrainer(network, build_network([linear(3, 1)]), inputs, targets, hyperparameters, objective, "worker_1")


def test_steps_and_the_sum_of_their_rates_are_told() -> None:
    """10 rows in batches of 4, 4 and 2, for two epochs at 0.1 and 0.1 / 1.5."""
    network = build_network([linear(3, 1)], seed=1)
    local = trainer(network, *rows(10), batch_size=4, epochs=2, lr=0.1, lr_decay=0.5)

    trained = local.train(copy.deepcopy(network.state_dict()))

    assert trained.steps == 6
    assert trained.rates == pytest.approx(3 * 0.1 + 3 * 0.1 / 1.5)


def test_a_second_training_of_a_round_draws_other_numbers_and_a_repeated_round_the_same() -> None:
    start = build_network([linear(3, 1)], seed=1).state_dict()

    def twice() -> list[bytes]:
        local = trainer(build_network([linear(3, 1)]), *rows(30), batch_size=4, epochs=1, lr=0.1)
        return [local.train(start).weights["nnl_0_linear.weight"].numpy().tobytes() for _ in range(2)]

    first, second = twice()

    assert first != second
    assert twice() == [first, second]


def test_fewer_epochs_than_the_runs_may_be_asked_for_and_never_more() -> None:
    network = build_network([linear(3, 1)], seed=1)
    local = trainer(network, *rows(10), epochs=3)

    for asked in (2, 7):
        local.train(copy.deepcopy(network.state_dict()), epochs=asked)

    assert [result.epochs for result in local.done] == [2, 3]


def test_the_loss_of_any_weights_can_be_asked_for_without_touching_the_network() -> None:
    network = build_network([linear(3, 1)], seed=1)
    before = copy.deepcopy(network.state_dict())
    inputs, targets = rows(10)
    zeros = {name: torch.zeros_like(tensor) for name, tensor in before.items()}

    assert trainer(network, inputs, targets).loss(zeros) == pytest.approx(float(targets.square().mean()))
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())
