from __future__ import annotations

import copy

import numpy as np
import pytest
import torch

from factories.network_models import DEEP, layer, linear, one_weight, rows
from synergos.domain.feature_space import Action
from synergos.errors import InvalidRequest, JobCancelled
from synergos.learning.families.layers.hyperparameters import LayersHyperparameters
from synergos.learning.families.layers.local_training import evaluate_locally, infer, warm_up
from synergos.learning.families.layers.network import build_network
from synergos.learning.families.layers.objective import Objective


def measure(action: Action = Action.REGRESS) -> Objective:
    return Objective(LayersHyperparameters.from_run({}, action), action)


@pytest.mark.parametrize("batch_rows", [1, 3, 100])
def test_evaluation_is_the_mean_over_rows(batch_rows: int) -> None:
    inputs = torch.arange(5, dtype=torch.float32).reshape(-1, 1)

    found = evaluate_locally(one_weight(0.0), inputs, inputs, objective=measure(), batch_rows=batch_rows)

    assert found.rows == 5
    assert found.loss == pytest.approx(6.0)


def test_evaluation_changes_nothing_and_drops_nothing() -> None:
    network = build_network(DEEP, seed=1).train()
    before = copy.deepcopy(network.state_dict())
    inputs, targets = rows(30)

    first = evaluate_locally(network, inputs, targets, objective=measure())
    again = evaluate_locally(network.train(), inputs, targets, objective=measure())

    assert first == again
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())


@pytest.mark.parametrize("batch_rows", [1, 4, 100])
@pytest.mark.parametrize(("outputs", "shape"), [(1, (10, 1)), (3, (10,))])
def test_predictions_keep_the_order_of_the_rows(batch_rows: int, outputs: int, shape: tuple[int, ...]) -> None:
    network = build_network([linear(3, outputs)], seed=1)
    inputs, _ = rows(10)

    scores, predicted = infer(network, inputs, measure(Action.CLASSIFY), batch_rows)
    whole, _ = measure(Action.CLASSIFY).predict(network, inputs)

    assert scores.shape == (10, outputs)
    assert predicted.shape == shape
    np.testing.assert_allclose(scores, whole, rtol=1e-6)


def test_measuring_and_predicting_can_be_left_between_batches() -> None:
    inputs, targets = rows(10)
    network, looks = build_network(DEEP, seed=1), iter([False, False, True])

    with pytest.raises(JobCancelled):
        evaluate_locally(network, inputs, targets, objective=measure(), batch_rows=2, should_stop=lambda: next(looks))
    with pytest.raises(JobCancelled):
        infer(network, inputs, measure(), 2, should_stop=lambda: True)

    assert list(looks) == []


def test_no_rows_give_no_predictions() -> None:
    scores, predicted = infer(build_network([linear(3, 1)]), torch.zeros(0, 3), measure(Action.CLASSIFY))

    assert scores.shape == predicted.shape == (0, 1)


def test_random_layers_measure_the_same_each_time() -> None:
    layers = [layer("Unflatten", dim=1, unflattened_size=[1, 6, 6]), layer("FractionalMaxPool2d", kernel_size=2, output_size=3), layer("Flatten"), linear(9, 1)]  # fmt: skip
    network = build_network(layers, seed=1)
    inputs, targets = rows(8, width=36)

    assert evaluate_locally(network, inputs, targets, objective=measure()) == evaluate_locally(
        network, inputs, targets, objective=measure()
    )


def test_warming_up_changes_nothing() -> None:
    network = build_network(DEEP, seed=1)
    before = copy.deepcopy(network.state_dict())
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)

    hyperparameters = LayersHyperparameters.from_run({}, Action.REGRESS)
    warm_up(network, *rows(10), hyperparameters=hyperparameters, objective=measure(), reference=before)

    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())
    assert torch.equal(torch.rand(3), expected)


def test_no_rows_cannot_be_measured() -> None:
    with pytest.raises(InvalidRequest, match="no row to evaluate"):
        evaluate_locally(one_weight(1.0), torch.zeros(0, 1), torch.zeros(0, 1), objective=measure())


def test_large_rows_are_measured_few_at_a_time() -> None:
    network = build_network([layer("Flatten"), linear(3 * 256 * 256, 1)])
    sizes: list[int] = []
    network.register_forward_pre_hook(lambda _, inputs: sizes.append(len(inputs[0])))
    objective = measure()
    images = torch.zeros(12, 3, 256, 256)

    evaluate_locally(network, images, torch.zeros(12, 1), objective=objective)
    infer(network, images, objective)

    assert sum(sizes) == 24
    assert max(sizes) * images[0].numel() <= 2**20
