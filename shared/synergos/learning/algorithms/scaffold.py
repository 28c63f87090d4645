"""SCAFFOLD: what the participants' gradients differ in is learnt and taken back, so that unlike rows lead to one optimum.

Karimireddy, Kale, Mohri, Reddi, Stich, Suresh (2020), "SCAFFOLD: Stochastic Controlled Averaging for Federated Learning", ICML,
algorithm 1 with option II. x is the global model, c the server's control variate, c_i the participant's; each starts from 0.

    participant:  y_i from x by steps  y_i - eta_l * (g_i(y_i) - c_i + c)
                  c_i' = c_i - c + (x - y_i) / (K * eta_l)
    server:       x' = x + eta_g * mean of (y_i - x)
                  c' = c + |S| / N * mean of (c_i' - c_i)        S: those who answered, of N

K * eta_l is the sum of the learning rates of the steps, so that a schedule may change them. Option II takes the mean gradient
for what moved the model; that is exact for plain SGD, an approximation for other optimizers (momentum moves the model farther).
eta_g is ``server_lr``. The paper's means are uniform over participants; here they are weighted by rows, and |S| / N is the part of
all rows that belongs to those who answered: so c is the mean of all c_i, whoever is lost in a round. Buffers are averaged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from synergos.learning.algorithms.algorithm import Answer, Like, Local, Model, Server, Step
from synergos.learning.algorithms.answers import Answers
from synergos.learning.algorithms.fedavg import FedAvg
from synergos.learning.algorithms.settings import SERVER_LR, setting
from synergos.learning.bags import WEIGHTS, Bag, Weights
from synergos.learning.gradients import add_gradient

CONTROL = "control"
CHANGE = "control_change"


@dataclass(frozen=True)
class Scaffold(FedAvg):
    """Control variates at the server and at each participant."""

    name: ClassVar[str] = "SCAFFOLD"
    paper: ClassVar[str] = "Karimireddy et al. 2020"
    server_lr: float = setting(1.0, SERVER_LR)

    def asked(self, exchange: int) -> Mapping[str, Like]:
        """The model and c."""
        return {WEIGHTS: Like.MODEL, CONTROL: Like.PARAMETERS}

    def answered(self, exchange: int) -> Mapping[str, Like]:
        """The model and what c_i changed by."""
        return {WEIGHTS: Like.MODEL, CHANGE: Like.PARAMETERS}

    @property
    def kept(self) -> Mapping[str, Like]:
        """c_i."""
        return {CONTROL: Like.PARAMETERS}

    def init(self, model: Model) -> Bag:
        """The first weights, and no control yet."""
        control = {name: torch.zeros_like(model.weights[name]) for name in model.weights if name in model.parameters}
        return Bag({WEIGHTS: model.weights, CONTROL: control})

    def ask(self, state: Bag, step: Step, participant: str) -> Bag | None:
        """The whole state, once a round."""
        return state if step.exchange == 0 else None

    def client(self, step: Step, message: Bag, kept: Bag | None, local: Local) -> Answer:
        """Train with corrected gradients, and learn by how much they were to be corrected."""
        start, control = message[WEIGHTS], message[CONTROL]
        own = kept[CONTROL] if kept else {name: torch.zeros_like(tensor) for name, tensor in control.items()}

        def correct(parameters: Mapping[str, Tensor]) -> None:
            for name, parameter in parameters.items():
                add_gradient(parameter, control[name], 1.0)
                add_gradient(parameter, own[name], -1.0)

        trained = local.train(start, correct)
        change = {name: _change(control[name], start[name], trained.weights[name], trained.rates) for name in control}
        kept_now = {name: own[name] + change[name] for name in control}
        return Answer(Bag({WEIGHTS: trained.weights, CHANGE: change}), Bag({CONTROL: kept_now}))

    def fold(self, state: Bag, step: Step, answers: Answers, server: Server) -> Bag:
        """The mean change of both, as far as those reach who answered."""
        start, control = state[WEIGHTS], state[CONTROL]

        def follow(name: str, here: slice, mean: Tensor) -> Tensor:
            if name not in control or self.server_lr == 1:
                return mean
            before = _piece(start, name, here, mean)
            return before + self.server_lr * (mean - before)

        def learn(name: str, here: slice, mean: Tensor) -> Tensor:
            return _piece(control, name, here, mean) + answers.share * mean

        return Bag({WEIGHTS: answers.mean(WEIGHTS, follow), CONTROL: answers.mean(CHANGE, learn, into=CONTROL)})


def _change(control: Tensor, start: Tensor, end: Tensor, rates: float) -> Tensor:
    """c_i' - c_i; nothing where no step was made."""
    if rates == 0:
        return torch.zeros_like(control)
    return torch.sub(start, end.detach()).div_(rates).sub_(control)


def _piece(weights: Weights, name: str, here: slice, like: Tensor) -> Tensor:
    return weights[name].detach().reshape(-1)[here].to(like.dtype)
