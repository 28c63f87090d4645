"""What a federated algorithm is: it owns its state at the server and at each participant, and the messages between them.

A round is one exchange after the other: the server asks (:meth:`Algorithm.ask`), each participant works and answers
(:meth:`Algorithm.client`), the server makes its next state of the answers (:meth:`Algorithm.fold`). Who takes part, deadlines,
what is durable, evaluation and when to stop are no affair of an algorithm, and nothing of a network or a socket is.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import ClassVar, Protocol

from torch import Tensor
from torch.optim import Optimizer

from synergos.learning.algorithms.answers import Answers
from synergos.learning.bags import WEIGHTS, Bag, Weights

Adjust = Callable[[Mapping[str, Tensor]], None]
"""Given a step's live parameters by name, with their gradients; may add to the gradients in place."""


class Like(Enum):
    """What the tensors of a set are, so that a receiver knows them before it takes memory for them."""

    MODEL = "names, shapes and types of the model's parameters and buffers"
    PARAMETERS = "those of the model's parameters alone"
    OWN = "any"


class Reduction(Enum):
    """What an algorithm needs of a round's answers."""

    SUM = "their means, weighted by rows"
    EACH = "each of them"


@dataclass(frozen=True)
class Model:
    """What is trained.

    Attributes:
        weights: the first ones; parameters and buffers.
        parameters: the names of those that learn.
        seed: the run's, for whatever an algorithm draws.
    """

    weights: Weights
    parameters: Collection[str]
    seed: int = 0


@dataclass(frozen=True, order=True)
class Step:
    """Where a run is; rounds and the exchanges of a round are counted from 0."""

    round: int
    exchange: int = 0

    def __str__(self) -> str:
        return f"{self.round}, exchange {self.exchange}" if self.exchange else f"{self.round}"


@dataclass(frozen=True)
class Trained:
    """What local training came to.

    Attributes:
        weights: in the trainer's own memory, until it trains again.
        steps: how many the optimizer made.
        rates: the sum of their learning rates.
    """

    weights: Weights
    steps: int
    rates: float


class Local(Protocol):
    """What a participant can do with its rows; handed to :meth:`Algorithm.client` by the model's family."""

    @property
    def rows(self) -> int:
        """How many training rows there are."""
        ...

    @property
    def parameters(self) -> Collection[str]:
        """The names of the weights that learn."""
        ...

    def train(self, weights: Weights, adjust: Adjust | None = None, epochs: int | None = None) -> Trained:
        """Train from ``weights``, which stay what they are.

        Args:
            adjust: called in each step between the gradient and the optimizer.
            epochs: passes over the rows; the run's by default, and no more than those.
        """
        ...

    def loss(self, weights: Weights) -> float:
        """The mean of the run's criterion over the training rows."""
        ...


class Server(Protocol):
    """What the server can do besides calculating; handed to :meth:`Algorithm.fold`."""

    def train(
        self,
        weights: Weights,
        loss: Callable[[Weights], Tensor],
        optimizer: Callable[[Sequence[Tensor]], Optimizer],
        steps: int,
    ) -> dict[str, Tensor]:
        """Make some steps from ``weights``, which stay what they are.

        Args:
            loss: a scalar that depends on the weights it is given, which require gradients.
            optimizer: given what to optimise, one of torch's optimizers.

        Raises:
            JobCancelled: the job was asked to stop.
        """
        ...


@dataclass(frozen=True)
class Answer:
    """What a participant answers to one exchange.

    Attributes:
        kept: what it wants to be given again the next time it is asked; ``None`` leaves that as it was.
    """

    bag: Bag
    kept: Bag | None = None


@dataclass(frozen=True)
class Algorithm(ABC):
    """A federated algorithm; its fields are its settings.

    Attributes:
        name: as a run says it.
        paper: where it is described.
        reduction: what :meth:`fold` reads of the answers.
        moves: the set of an answer that tells how far it moves the model: from the set of that name in the message where
            there is one, else from 0. Who moves it absurdly far is left out of the round. ``None``: nothing tells.
        goes_where_answers_do: whether a round's step of the model has the direction of the answers' mean, and of nothing that was
            before: only then what a step does to somebody's loss says anything about that round's answers.
    """

    name: ClassVar[str]
    paper: ClassVar[str]
    reduction: ClassVar[Reduction] = Reduction.SUM
    moves: ClassVar[str | None] = WEIGHTS
    goes_where_answers_do: ClassVar[bool] = False

    def asked(self, exchange: int) -> Mapping[str, Like]:
        """The sets of a message of that exchange. A set ``weights`` in the first one is the global model, and is measured."""
        return {WEIGHTS: Like.MODEL}

    def answered(self, exchange: int) -> Mapping[str, Like]:
        """The sets of an answer to that exchange. Sets ``weights`` of a round's last such answers are the local models."""
        return {WEIGHTS: Like.MODEL}

    @property
    def kept(self) -> Mapping[str, Like]:
        """The sets of what a participant keeps."""
        return {}

    @property
    def pull(self) -> float:
        """How strongly participants are drawn back, in each step, to where they began: the part of what they have moved by that a step
        of rate 1 takes away. It bounds how far an honest update goes."""
        return 0.0

    @abstractmethod
    def init(self, model: Model) -> Bag:
        """The server's state before the first round."""

    @abstractmethod
    def ask(self, state: Bag, step: Step, participant: str) -> Bag | None:
        """The message to one participant; ``None`` for nobody: the round is over."""

    @abstractmethod
    def client(self, step: Step, message: Bag, kept: Bag | None, local: Local) -> Answer:
        """A participant's part.

        Args:
            kept: what it answered to keep the last time an answer of it was taken; ``None`` before the first time.
        """

    @abstractmethod
    def fold(self, state: Bag, step: Step, answers: Answers, server: Server) -> Bag:
        """The server's next state. Tensors of ``state`` must stay what they are: they may just be being written to the disk."""

    def models(self, state: Bag) -> Mapping[str, Weights]:
        """The models a state holds; ``global`` is the one that is measured and exported."""
        return {"global": state[WEIGHTS]}
