"""FedProx and the penalties: terms whose gradients are known, added to those that are differentiated."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import cast

import torch
from torch import Tensor

from factories.network_models import linear
from synergos.learning.algorithms import Adjust, Algorithm, Bag, Step, Trained, Weights
from synergos.learning.algorithms.fedavg import FedAvg
from synergos.learning.algorithms.fedprox import FedProx
from synergos.learning.families.layers.network import Network, build_network
from synergos.learning.families.layers.penalties import regularise


class Pulled:
    """A participant whose only step is to have its gradients adjusted."""

    rows = 1

    def __init__(self, network: Network) -> None:
        self.network = network

    @property
    def parameters(self) -> Collection[str]:
        return [name for name, _ in self.network.named_parameters()]

    def train(self, weights: Weights, adjust: Adjust | None = None, epochs: int | None = None) -> Trained:
        if adjust is not None:
            adjust({name: each for name, each in self.network.named_parameters() if each.requires_grad})
        return Trained(self.network.state_dict(), 1, 0.1)

    def loss(self, weights: Weights) -> float:
        return 0.0


def pull(algorithm: Algorithm, network: Network, reference: Mapping[str, Tensor]) -> None:
    algorithm.client(Step(0), Bag({"weights": reference}), None, Pulled(network))


def gradients(network: Network) -> list[Tensor | None]:
    return [parameter.grad for parameter in network.parameters()]


def test_fedprox_adds_the_gradient_of_half_mu_times_the_squared_distance() -> None:
    network = build_network([linear(2, 1)])
    network.load_state_dict(
        {"nnl_0_linear.weight": torch.tensor([[1.0, 2.0]]), "nnl_0_linear.bias": torch.tensor([3.0])}
    )
    reference = {"nnl_0_linear.weight": torch.tensor([[0.0, 4.0]]), "nnl_0_linear.bias": torch.tensor([6.0])}
    weight, bias = network.get_parameter("nnl_0_linear.weight"), network.get_parameter("nnl_0_linear.bias")
    # Of the bias the loss may have none.
    weight.grad = torch.tensor([[10.0, 20.0]])

    pull(FedProx(mu=0.5), network, reference)

    assert bias.grad is not None
    assert torch.equal(weight.grad, torch.tensor([[10.5, 19.0]]))  # + mu * (w - w_t)
    assert torch.equal(bias.grad, torch.tensor([-1.5]))


def test_penalties_are_what_differentiating_them_gives() -> None:
    network = build_network([linear(7, 5), linear(5, 3)], seed=1)
    reference = build_network([linear(7, 5), linear(5, 3)], seed=2).state_dict()
    written_out = sum(
        0.3 / 2 * (parameter - reference[name]).square().sum()
        + 0.1 * parameter.abs().sum()
        + 0.2 / 2 * parameter.square().sum()
        for name, parameter in network.named_parameters()
    )
    expected = torch.autograd.grad(cast(Tensor, written_out), list(network.parameters()))

    pull(FedProx(mu=0.3), network, reference)
    regularise(network, l1=0.1, l2=0.2)

    torch.testing.assert_close(gradients(network), list(expected))


def test_what_does_not_learn_is_not_pulled() -> None:
    network = build_network([linear(2, 1)]).requires_grad_(False)
    reference = build_network([linear(2, 1)], seed=2).state_dict()

    pull(FedProx(mu=0.5), network, reference)
    regularise(network, l1=0.1, l2=0.2)

    assert gradients(network) == [None, None]


def test_fedavg_and_a_mu_of_0_pull_nobody() -> None:
    network = build_network([linear(2, 1)], seed=1)
    reference = build_network([linear(2, 1)], seed=2).state_dict()

    pull(FedAvg(), network, reference)
    pull(FedProx(mu=0.0), network, reference)

    assert gradients(network) == [None, None]


def test_l1_and_l2_have_real_gradients() -> None:
    network = build_network([linear(2, 1, bias=False)])
    network.load_state_dict({"nnl_0_linear.weight": torch.tensor([[3.0, -4.0]])})

    regularise(network, l1=0.1, l2=0.2)

    gradient = network.get_parameter("nnl_0_linear.weight").grad
    torch.testing.assert_close(gradient, torch.tensor([[0.1 + 0.6, -0.1 - 0.8]]))


def test_without_coefficients_nothing_is_added() -> None:
    network = build_network([linear(2, 1)])

    regularise(network, l1=0.0, l2=0.0)

    assert gradients(network) == [None, None]
