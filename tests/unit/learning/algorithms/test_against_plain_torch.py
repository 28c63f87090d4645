"""Every algorithm on a real network, through the product's own local training, beside the same written out in plain torch."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping

import pytest
import torch
from torch import Tensor, nn

from factories.network_models import linear
from fakes.federation import Federation
from synergos.domain.feature_space import Action
from synergos.learning.algorithms import Local, Model
from synergos.learning.families.layers.hyperparameters import LayersHyperparameters
from synergos.learning.families.layers.layer_checks import Layer
from synergos.learning.families.layers.local_trainer import LocalTrainer, parameter_names
from synergos.learning.families.layers.network import build_network
from synergos.learning.families.layers.objective import Objective

LAYERS: list[Layer] = [linear(3, 4, "tanh"), linear(4, 1)]
ROWS = {"worker_1": 20, "worker_2": 30, "worker_3": 11}
ROUNDS, EPOCHS, LR = 4, 3, 0.05
RUN = {"epochs": EPOCHS, "lr": LR, "lr_scheduler": "LambdaLR", "lr_decay": 0.0, "patience": 100}

Parameters = dict[str, Tensor]
Rows = Mapping[str, tuple[Tensor, Tensor]]
Correct = Callable[[str, Tensor], Tensor]


def rows() -> Rows:
    """Participants whose rows lie in different places, and mean different things."""
    numbers = torch.Generator().manual_seed(11)
    found = {}
    for index, (name, count) in enumerate(ROWS.items()):
        inputs = torch.randn((count, 3), generator=numbers) + index
        found[name] = inputs, inputs.sum(dim=1, keepdim=True) * (1 - 0.5 * index)
    return found


def ours(run: Mapping[str, object], data: Rows) -> Parameters:
    hyperparameters = LayersHyperparameters.from_run({**RUN, **run}, Action.REGRESS)
    objective = Objective(hyperparameters, Action.REGRESS)

    def participant(name: str) -> Local:
        network, shell = build_network(LAYERS, 1), build_network(LAYERS)
        return LocalTrainer(network, shell, *data[name], hyperparameters, objective, name)

    network = build_network(LAYERS, seed=1)
    federation = Federation(
        hyperparameters.make_algorithm(),
        Model(network.state_dict(), parameter_names(network)),
        {name: participant(name) for name in data},
    )
    return dict(federation.play(ROUNDS))


class Plain:
    """What the papers say, in as few words as there are."""

    def __init__(self, data: Rows) -> None:
        self.data = data
        self.x = {name: tensor.clone() for name, tensor in build_network(LAYERS, seed=1).state_dict().items()}
        self.network = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
        self.names = dict(zip(self.x, self.network.state_dict(), strict=True))

    def local(self, who: str, correct: Correct = lambda name, value: torch.zeros(())) -> Parameters:
        inputs, targets = self.data[who]
        self.network.load_state_dict({self.names[name]: value for name, value in self.x.items()})
        values = dict(zip(self.x, self.network.parameters(), strict=True))
        for _ in range(EPOCHS):
            self.network.zero_grad()
            nn.functional.mse_loss(self.network(inputs), targets).backward()  # type: ignore[no-untyped-call]
            for name, value in values.items():
                assert value.grad is not None
                value.data -= LR * (value.grad + correct(name, value.detach()))
        return {name: value.detach().clone() for name, value in values.items()}

    def mean(self, found: Mapping[str, Parameters]) -> Parameters:
        total = sum(ROWS.values())
        return {
            name: sum((ROWS[who] / total * own[name] for who, own in found.items()), torch.zeros(())) for name in self.x
        }


def plain_fedavg(data: Rows) -> Parameters:
    plain = Plain(data)
    for _ in range(ROUNDS):
        plain.x = plain.mean({who: plain.local(who) for who in data})
    return plain.x


def plain_fedprox(data: Rows) -> Parameters:
    plain = Plain(data)
    for _ in range(ROUNDS):
        start = plain.x
        plain.x = plain.mean({who: plain.local(who, lambda n, w: 0.4 * (w - start[n])) for who in data})  # noqa: B023
    return plain.x


def plain_server_optimizer(
    data: Rows, step: Callable[[Tensor, list[Tensor]], tuple[Tensor, list[Tensor]]], first: list[float]
) -> Parameters:
    plain = Plain(data)
    moments = {name: [torch.full_like(value, each) for each in first] for name, value in plain.x.items()}
    for _ in range(ROUNDS):
        mean = plain.mean({who: plain.local(who) for who in data})
        for name in plain.x:
            move, moments[name] = step(mean[name] - plain.x[name], moments[name])
            plain.x[name] = plain.x[name] + move
    return plain.x


def plain_fedavgm(data: Rows) -> Parameters:
    def step(change: Tensor, moments: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        m = 0.9 * moments[0] + change
        return 0.5 * m, [m]

    return plain_server_optimizer(data, step, [0.0])


def adaptive(data: Rows, beta1: float, variance: Callable[[Tensor, Tensor], Tensor], tau: float = 1e-3) -> Parameters:
    def step(change: Tensor, moments: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        m = beta1 * moments[0] + (1 - beta1) * change
        v = variance(moments[1], m**2)
        return 0.1 * m / (v**0.5 + tau), [m, v]

    return plain_server_optimizer(data, step, [0.0, tau**2])


def plain_fedadam(data: Rows) -> Parameters:
    return adaptive(data, 0.9, lambda v, square: 0.99 * v + 0.01 * square)


def plain_fedyogi(data: Rows) -> Parameters:
    return adaptive(data, 0.9, lambda v, square: v - 0.01 * square * torch.sign(v - square))


def plain_fedadagrad(data: Rows) -> Parameters:
    return adaptive(data, 0.0, lambda v, square: v + square)


def plain_scaffold(data: Rows) -> Parameters:
    plain = Plain(data)
    c = {name: torch.zeros_like(value) for name, value in plain.x.items()}
    own = {who: copy.deepcopy(c) for who in data}
    for _ in range(ROUNDS):
        trained, learnt = {}, {}
        for who in data:
            y = trained[who] = plain.local(who, lambda name, _: c[name] - own[who][name])  # noqa: B023
            new = {name: own[who][name] - c[name] + (plain.x[name] - y[name]) / (EPOCHS * LR) for name in c}
            learnt[who] = {name: new[name] - own[who][name] for name in c}
            own[who] = new
        plain.x, change = plain.mean(trained), plain.mean(learnt)
        c = {name: c[name] + change[name] for name in c}
    return plain.x


@pytest.mark.parametrize(
    ("run", "plain"),
    [
        ({"algorithm": "FedAvg"}, plain_fedavg),
        ({"algorithm": "FedProx", "mu": 0.4}, plain_fedprox),
        ({"algorithm": "FedAvgM", "server_lr": 0.5}, plain_fedavgm),
        ({"algorithm": "FedAdam"}, plain_fedadam),
        ({"algorithm": "FedYogi"}, plain_fedyogi),
        ({"algorithm": "FedAdagrad"}, plain_fedadagrad),
        ({"algorithm": "SCAFFOLD"}, plain_scaffold),
    ],
    ids=lambda value: value["algorithm"] if isinstance(value, dict) else "",
)
def test_it_is_what_the_paper_says(run: Mapping[str, object], plain: Callable[[Rows], Parameters]) -> None:
    data = rows()

    found, expected = ours(run, data), plain(data)

    start = build_network(LAYERS, seed=1).state_dict()
    assert max(float((expected[name] - start[name]).abs().max()) for name in start) > 0.05
    # Adaptive optimizers divide by what has hardly moved, and with it a rounding of the last bit.
    torch.testing.assert_close(found, expected, rtol=2e-5, atol=2e-6)
