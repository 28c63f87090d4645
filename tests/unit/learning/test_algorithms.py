from __future__ import annotations

from typing import cast

import pytest
import torch
from torch import Tensor

from factories.network_models import linear
from synergos.errors import Conflict, UnknownName
from synergos.learning import algorithms
from synergos.learning.algorithms import Update, fedavg
from synergos.learning.families.layers.network import build_network
from synergos.learning.families.layers.penalties import regularise
from synergos.learning.hyperparameters import Hyperparameters


def updates(*pairs: tuple[int, Tensor]) -> list[Update]:
    return [Update(f"p{index}", rows, {"w": tensor}) for index, (rows, tensor) in enumerate(pairs)]


def test_an_average_may_take_the_memory_of_an_earlier_one() -> None:
    model = build_network([linear(3, 400), linear(400, 400)], seed=1).state_dict()
    given = [Update("a", 3, model), Update("b", 5, {name: tensor * 2 for name, tensor in model.items()})]
    earlier = {name: torch.full_like(tensor, torch.nan) for name, tensor in model.items()}

    average = fedavg.aggregate(given, earlier)

    assert all(tensor.data_ptr() == earlier[name].data_ptr() for name, tensor in average.items())
    assert all(torch.equal(tensor, average[name]) for name, tensor in fedavg.aggregate(given).items())


def test_weights_are_averaged_by_rows() -> None:
    average = fedavg.aggregate(updates((1, torch.tensor([[0.0, 4.0]])), (3, torch.tensor([[8.0, 4.0]]))))

    assert torch.equal(average["w"], torch.tensor([[6.0, 4.0]]))


def test_integers_are_averaged_and_rounded() -> None:
    average = fedavg.aggregate(updates((1, torch.tensor([10, 20])), (3, torch.tensor([21, 21]))))

    assert torch.equal(average["w"], torch.tensor([18, 21]))  # 73 / 4 = 18.25 and 83 / 4 = 20.75


def test_of_booleans_the_weighted_majority_decides() -> None:
    average = fedavg.aggregate(
        updates(
            (1, torch.tensor([True, True, False])),
            (2, torch.tensor([False, True, True])),
            (1, torch.tensor([True] * 3)),
        )
    )

    assert torch.equal(average["w"], torch.tensor([False, True, True]))  # 2:2 is a tie, 4:0, 3:1


def test_small_changes_of_large_sums_survive() -> None:
    """In float32 the second million would be lost against the first."""
    average = fedavg.aggregate(updates((2**24, torch.tensor([1.0])), (1, torch.tensor([1.0 + 2**24]))))

    assert average["w"].item() == pytest.approx(2.0, rel=1e-6)


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.int8, torch.int64])
def test_the_average_of_equal_models_is_the_model(kind: torch.dtype) -> None:
    model = torch.randn(50, generator=torch.Generator().manual_seed(1)).mul(20).to(kind)

    average = fedavg.aggregate(updates((123, model), (77, model), (1, model)))

    assert average["w"].dtype is kind
    assert torch.equal(average["w"], model)


def test_tensors_larger_than_a_chunk_are_averaged_whole() -> None:
    size = fedavg.CHUNK + 3
    first, second = torch.zeros(size), torch.arange(size, dtype=torch.float32)

    average = fedavg.aggregate(updates((1, first), (1, second)))

    assert torch.equal(average["w"], second / 2)


def test_a_transposed_tensor_is_averaged_in_its_own_order() -> None:
    tensor = torch.arange(6.0).reshape(2, 3)

    assert torch.equal(fedavg.aggregate(updates((1, tensor.T), (1, tensor.T)))["w"], tensor.T)


def test_who_trained_on_no_row_does_not_count() -> None:
    average = fedavg.aggregate(updates((0, torch.tensor([float("nan")])), (2, torch.tensor([5.0]))))

    assert torch.equal(average["w"], torch.tensor([5.0]))


@pytest.mark.parametrize("nothing", [[], updates((0, torch.zeros(1)))])
def test_nothing_to_average_is_a_conflict(nothing: list[Update]) -> None:
    with pytest.raises(Conflict, match="nothing to aggregate"):
        fedavg.aggregate(nothing)


@pytest.mark.parametrize(
    "other", [{"v": torch.zeros(1)}, {"w": torch.zeros(2)}, {"w": torch.zeros(1, dtype=torch.int64)}]
)
def test_updates_of_another_network_are_a_conflict(other: dict[str, Tensor]) -> None:
    with pytest.raises(Conflict, match="the update of stranger is not of the same network"):
        fedavg.aggregate([*updates((1, torch.zeros(1))), Update("stranger", 1, other)])


def test_fedprox_adds_the_gradient_of_half_mu_times_the_squared_distance() -> None:
    network = build_network([linear(2, 1)])
    network.load_state_dict(
        {"nnl_0_linear.weight": torch.tensor([[1.0, 2.0]]), "nnl_0_linear.bias": torch.tensor([3.0])}
    )
    reference = {"nnl_0_linear.weight": torch.tensor([[0.0, 4.0]]), "nnl_0_linear.bias": torch.tensor([6.0])}

    weight, bias = network.get_parameter("nnl_0_linear.weight"), network.get_parameter("nnl_0_linear.bias")
    # Of the bias the loss may have none.
    weight.grad = torch.tensor([[10.0, 20.0]])

    algorithms.get("FedProx").pull(network, reference, Hyperparameters(mu=0.5))

    assert bias.grad is not None
    assert torch.equal(weight.grad, torch.tensor([[10.5, 19.0]]))  # + mu * (w - w_t)
    assert torch.equal(bias.grad, torch.tensor([-1.5]))


def test_penalties_are_what_differentiating_them_gives() -> None:
    network = build_network([linear(7, 5), linear(5, 3)], seed=1)
    reference = build_network([linear(7, 5), linear(5, 3)], seed=2).state_dict()
    hyperparameters = Hyperparameters(mu=0.3)
    written_out = sum(
        0.3 / 2 * (parameter - reference[name]).square().sum()
        + 0.1 * parameter.abs().sum()
        + 0.2 / 2 * parameter.square().sum()
        for name, parameter in network.named_parameters()
    )
    expected = torch.autograd.grad(cast(Tensor, written_out), list(network.parameters()))

    algorithms.get("FedProx").pull(network, reference, hyperparameters)
    regularise(network, l1=0.1, l2=0.2)

    torch.testing.assert_close([parameter.grad for parameter in network.parameters()], list(expected))


def test_what_does_not_learn_is_not_pulled() -> None:
    network = build_network([linear(2, 1)]).requires_grad_(False)
    reference = build_network([linear(2, 1)], seed=2).state_dict()

    algorithms.get("FedProx").pull(network, reference, Hyperparameters(mu=0.5))
    regularise(network, l1=0.1, l2=0.2)

    assert [parameter.grad for parameter in network.parameters()] == [None, None]


def test_fedavg_ignores_mu() -> None:
    network = build_network([linear(2, 1)], seed=1)
    reference = build_network([linear(2, 1)], seed=2).state_dict()

    algorithms.get("FedAvg").pull(network, reference, Hyperparameters(mu=5.0))

    assert [parameter.grad for parameter in network.parameters()] == [None, None]


def test_l1_and_l2_have_real_gradients() -> None:
    network = build_network([linear(2, 1, bias=False)])
    network.load_state_dict({"nnl_0_linear.weight": torch.tensor([[3.0, -4.0]])})

    regularise(network, l1=0.1, l2=0.2)

    gradient = network.get_parameter("nnl_0_linear.weight").grad
    torch.testing.assert_close(gradient, torch.tensor([[0.1 + 0.6, -0.1 - 0.8]]))


def test_without_coefficients_nothing_is_added() -> None:
    network = build_network([linear(2, 1)])

    regularise(network, l1=0.0, l2=0.0)

    assert [parameter.grad for parameter in network.parameters()] == [None, None]


def test_an_unknown_algorithm_names_the_field() -> None:
    with pytest.raises(UnknownName) as refused:
        algorithms.get("FedGKT")

    assert refused.value.field == "algorithm"
