"""One session's network at one participant, see :class:`~synergos.learning.families.family.Trainer`."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from synergos.domain.feature_space import Action
from synergos.errors import JobCancelled
from synergos.learning.algorithms import Model, Step, Weights
from synergos.learning.families.family import Evaluation
from synergos.learning.families.layers.hyperparameters import LayersHyperparameters
from synergos.learning.families.layers.layer_checks import Layer
from synergos.learning.families.layers.local_trainer import LocalTrainer, parameter_names
from synergos.learning.families.layers.local_training import BATCH_ROWS, WARM_UP_ROWS, evaluate_locally, infer, warm_up
from synergos.learning.families.layers.needs import (
    LARGEST_CALL,
    LayerNeeds,
    is_heavy,
    parts_of_row,
    rows_per_call,
    rows_per_slice,
)
from synergos.learning.families.layers.network import Network, build_network, looking
from synergos.learning.families.layers.objective import Objective, Predicted, Scores
from synergos.learning.families.layers.schedule import Schedule

_FASTER = 100
"""How many times the operations of a processor a GPU is taken to make."""


class LayersTrainer:
    """A network that is trained in place, and the same network without memory of its own, to run weights where they are.

    So that the result of the last round stays in the network while others are measured.
    """

    def __init__(
        self,
        layers: Sequence[Layer],
        hyperparameters: LayersHyperparameters,
        action: Action,
        participant_id: str,
        device: str,
        needs: Sequence[LayerNeeds],
    ) -> None:
        self._hyperparameters = hyperparameters
        self._participant_id = participant_id
        self._objective = Objective(hyperparameters, action)
        self._schedule = Schedule(hyperparameters)
        self._network = build_network(layers, hyperparameters.seed).to(device).eval()
        with torch.device("meta"):
            self._shell = build_network(layers).eval()
        self._needs = needs
        # A GPU does in a moment what takes a processor long, and small pieces would keep it from it.
        largest = LARGEST_CALL * (1 if torch.device(device).type == "cpu" else _FASTER)
        for network in (self._network, self._shell):
            network.in_pieces(rows_per_call(needs, largest), parts_of_row(needs, largest))
        # Looked up once: it is trained in its own memory, and nothing else is ever put there.
        self._model = Model(self._network.state_dict(), parameter_names(self._network))

    @property
    def model(self) -> Model:
        """The network's state dict, and the names of those that have a gradient."""
        return self._model

    def warm_up(
        self, inputs: Tensor, targets: Tensor | None, memory: Weights, should_stop: Callable[[], bool] | None = None
    ) -> None:
        """One step on a few rows; afterwards the network is as it was."""
        with looking(self._network, self._looking(WARM_UP_ROWS, None, should_stop)):
            if targets is None:
                infer(self._network, inputs[:2], self._objective)
                return
            for name, tensor in self._network.state_dict().items():
                memory[name].copy_(tensor)
            warm_up(
                self._network,
                inputs,
                targets,
                hyperparameters=self._hyperparameters,
                objective=self._objective,
                reference=memory,
            )

    def local(
        self,
        inputs: Tensor,
        targets: Tensor,
        step: Step,
        on_epoch: Callable[[int, int], None],
        should_stop: Callable[[], bool],
    ) -> LocalTrainer:
        """Training in the network's own memory."""
        return LocalTrainer(
            self._network,
            self._shell,
            inputs,
            targets,
            self._hyperparameters,
            self._objective,
            self._participant_id,
            step,
            self._schedule,
            on_epoch,
            should_stop,
            self._looking(len(inputs), self._hyperparameters.batch_size, should_stop),
            rows_per_slice(self._needs),
        )

    def measure(
        self, weights: Weights, inputs: Tensor, targets: Tensor, should_stop: Callable[[], bool] | None = None
    ) -> Evaluation:
        """The mean of the criterion over the rows."""
        network = self._with(weights)
        with looking(network, self._looking(len(inputs), BATCH_ROWS, should_stop)):
            return evaluate_locally(
                network,
                inputs,
                targets,
                objective=self._objective,
                most_rows=rows_per_slice(self._needs),
                should_stop=should_stop,
            )

    def predict(
        self, weights: Weights, inputs: Tensor, should_stop: Callable[[], bool] | None = None
    ) -> tuple[Scores, Predicted]:
        """Probabilities and labels, or values."""
        network = self._with(weights)
        with looking(network, self._looking(len(inputs), BATCH_ROWS, should_stop)):
            return infer(
                network,
                inputs,
                self._objective,
                most_rows=rows_per_slice(self._needs),
                should_stop=should_stop,
            )

    def release(self) -> None:
        """Let go of both networks."""
        self._network = self._shell = build_network([])
        self._model = Model({}, frozenset())

    def _looking(
        self, rows: int, batch_rows: int | None, should_stop: Callable[[], bool] | None
    ) -> Callable[[], None] | None:
        """What is called between layers, where a batch takes long; None where it does not."""
        if should_stop is None or not is_heavy(self._needs, min(rows, batch_rows or rows)):
            return None

        def look() -> None:
            if should_stop():
                raise JobCancelled("was asked to stop within a step")

        return look

    def _with(self, weights: Weights) -> Network:
        self._shell.load_state_dict(weights, assign=True)
        self._shell.compact()
        return self._shell
