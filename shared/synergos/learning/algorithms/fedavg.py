"""FedAvg: every participant trains on its own rows, then the models are averaged by rows.

McMahan, Moore, Ramage, Hampson, Agüera y Arcas (2017), "Communication-Efficient Learning of Deep Networks from
Decentralized Data", AISTATS, algorithm 1:

    w_{t+1} = sum_k n_k / n * w_{t+1}^k

Every participant takes part in every round (C = 1). Buffers (running statistics) are averaged like weights.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from synergos.learning.algorithms.algorithm import Algorithm, Answer, Local, Model, Server, Step
from synergos.learning.algorithms.answers import Answers
from synergos.learning.bags import WEIGHTS, Bag


@dataclass(frozen=True)
class FedAvg(Algorithm):
    """One exchange a round: the global model down, the trained ones up. The state is the global model."""

    name: ClassVar[str] = "FedAvg"
    paper: ClassVar[str] = "McMahan et al. 2017"
    goes_where_answers_do: ClassVar[bool] = True

    def init(self, model: Model) -> Bag:
        """The first weights."""
        return Bag({WEIGHTS: model.weights})

    def ask(self, state: Bag, step: Step, participant: str) -> Bag | None:
        """The global model, once a round."""
        return Bag({WEIGHTS: state[WEIGHTS]}) if step.exchange == 0 else None

    def client(self, step: Step, message: Bag, kept: Bag | None, local: Local) -> Answer:
        """Train it."""
        return Answer(Bag({WEIGHTS: local.train(message[WEIGHTS]).weights}))

    def fold(self, state: Bag, step: Step, answers: Answers, server: Server) -> Bag:
        """The mean is the next one."""
        return Bag({WEIGHTS: answers.mean(WEIGHTS)})
