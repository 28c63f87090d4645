"""What a federated algorithm is handed at a participant: a network of layers, the rows, and where the run is."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from functools import partial

from torch import Tensor

from synergos.learning.algorithms import Adjust, Step, Trained, Weights
from synergos.learning.families.family import LocalResult
from synergos.learning.families.layers.hyperparameters import LayersHyperparameters
from synergos.learning.families.layers.local_training import evaluate_locally, train_locally
from synergos.learning.families.layers.network import Network, looking
from synergos.learning.families.layers.objective import Objective
from synergos.learning.families.layers.schedule import Schedule


@dataclass
class LocalTrainer:
    """One exchange at one participant; see :class:`synergos.learning.algorithms.Local`.

    Attributes:
        network: trained in place; what training comes to stays in its memory.
        shell: the same network without memory of its own, to measure weights where they are.
        inputs: (N, *row shape), on the network's device, as ``targets``; see :class:`Objective` for their shape.
        schedule: of the run, from the exchange before.
        look: called between layers, where a step takes long; None where it does not.
        most_rows: so many are measured at once; None leaves that to :func:`evaluate_locally`.
        done: what each training came to.
    """

    network: Network
    shell: Network
    inputs: Tensor
    targets: Tensor
    hyperparameters: LayersHyperparameters
    objective: Objective
    participant_id: str
    step: Step = field(default_factory=lambda: Step(0))
    schedule: Schedule | None = None
    on_epoch: Callable[[int, int], None] | None = None
    should_stop: Callable[[], bool] | None = None
    look: Callable[[], None] | None = None
    most_rows: int | None = None
    done: list[LocalResult] = field(default_factory=list)

    @property
    def rows(self) -> int:
        """How many training rows there are."""
        return len(self.inputs)

    @property
    def parameters(self) -> Collection[str]:
        """The names of the weights that learn."""
        return parameter_names(self.network)

    def train(self, weights: Weights, adjust: Adjust | None = None, epochs: int | None = None) -> Trained:
        """Train from ``weights``; raises what :func:`train_locally` does."""
        before = (self.step.exchange, len(self.done))
        with looking(self.network, self.look):
            result = train_locally(
                self.network,
                self.inputs,
                self.targets,
                hyperparameters=self.hyperparameters,
                objective=self.objective,
                reference=weights,
                round_index=self.step.round,
                participant_id=self.participant_id,
                adjust=adjust,
                epochs=epochs,
                schedule=self.schedule,
                again=before if any(before) else (),
                start_loss=partial(self.loss, weights),
                on_epoch=self.on_epoch,
                should_stop=self.should_stop,
            )
        self.done.append(result)
        return Trained(self.network.state_dict(), result.steps, result.rates)

    def loss(self, weights: Weights) -> float:
        """The mean of the criterion over the training rows."""
        self.shell.load_state_dict(weights, assign=True)
        self.shell.compact()
        with looking(self.shell, self.look):
            return evaluate_locally(
                self.shell,
                self.inputs,
                self.targets,
                objective=self.objective,
                most_rows=self.most_rows,
                should_stop=self.should_stop,
            ).loss


def parameter_names(network: Network) -> frozenset[str]:
    """The names of the weights that learn; what else a state dict has are buffers."""
    return frozenset(name for name, parameter in network.named_parameters() if parameter.requires_grad)
