"""What one participant does in a round: train the global model on its own rows, measure it, predict with it.

Policy across rounds: the optimizer starts fresh each round; the learning-rate schedule goes on where the round before left
off, at epoch ``round * epochs`` (a plateau schedule starts afresh); random numbers depend on seed, participant and round only.
So the same round gives the same bytes, also when it is repeated by a process that has just started.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer, lr_scheduler
from torch.optim.lr_scheduler import LRScheduler

from synergos.errors import InvalidRequest, JobCancelled
from synergos.learning import algorithms
from synergos.learning.algorithms import Weights
from synergos.learning.early_stopping import EarlyStopping
from synergos.learning.families.layers.hyperparameters import LayersHyperparameters, step_scheduler
from synergos.learning.families.layers.network import Network
from synergos.learning.families.layers.objective import Objective, Predicted, Scores
from synergos.learning.families.layers.penalties import regularise
from synergos.learning.randomness import RandomStream, seed_from

BATCH_ROWS = 4096
BATCH_VALUES = 2**20
"""Rows, and values of them, that are measured or predicted at once: a layer makes many more values of an image."""


@dataclass(frozen=True)
class LocalResult:
    """What a round of local training came to; the weights are in the network.

    Attributes:
        loss: mean over the rows of the criterion alone, in the last epoch; not a number when training diverged.
        epochs: how many were run.
    """

    rows: int
    loss: float
    epochs: int
    seconds: float


@dataclass(frozen=True)
class Evaluation:
    """A model's loss on rows it does not learn from: the mean over them of the criterion alone."""

    rows: int
    loss: float


def train_locally(
    network: Network,
    inputs: Tensor,
    targets: Tensor,
    *,
    hyperparameters: LayersHyperparameters,
    objective: Objective,
    reference: Weights,
    round_index: int,
    participant_id: str,
    on_epoch: Callable[[int, int], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> LocalResult:
    """Train ``network`` in place, from ``reference``, for one round.

    Args:
        inputs: (N, *row shape), on the network's device, as ``targets``; see :class:`Objective` for their shape.
        reference: the global model the round starts from.
        on_epoch: told after each epoch how many are done, and of how many.
        should_stop: asked before each batch.

    Raises:
        InvalidRequest: there are no rows, or the model, the loss and the rows do not go together.
        JobCancelled: ``should_stop`` said so.
    """
    if len(inputs) == 0:
        raise InvalidRequest(f"{participant_id} has no row to train on", "train")
    started = time.monotonic()
    reference = _detached(reference, network)
    network.load_state_dict(reference)
    training = _LocalTraining(network, hyperparameters, objective, reference, round_index, participant_id)
    stopping = EarlyStopping(hyperparameters.patience, hyperparameters.delta)
    network.train()
    try:
        for epoch in range(hyperparameters.epochs):
            loss = training.epoch(inputs, targets, should_stop or (lambda: False))
            if on_epoch is not None:
                on_epoch(epoch + 1, hyperparameters.epochs)
            stopping.improved(loss)
            if stopping.should_stop or not math.isfinite(loss):
                break
            step_scheduler(training.scheduler, loss)
    finally:
        network.zero_grad(set_to_none=True)
        network.eval()
    return LocalResult(len(inputs), loss, epoch + 1, time.monotonic() - started)


def evaluate_locally(
    network: Network, inputs: Tensor, targets: Tensor, *, objective: Objective, batch_rows: int | None = None
) -> Evaluation:
    """The network's mean loss over rows, without changing it.

    Raises:
        InvalidRequest: there are no rows.
    """
    if len(inputs) == 0:
        raise InvalidRequest("there is no row to evaluate on", "evaluate")
    total = 0.0
    with torch.no_grad(), _measuring(network, objective):
        for rows in _slices(inputs, batch_rows):
            loss = objective.loss(network, inputs[rows], targets[rows])
            total += float(loss) * (rows.stop - rows.start)
    return Evaluation(len(inputs), total / len(inputs))


def infer(
    network: Network, inputs: Tensor, objective: Objective, batch_rows: int | None = None
) -> tuple[Scores, Predicted]:
    """Scores and predictions of rows, in their order; shapes as :meth:`Objective.predict` has them."""
    with torch.no_grad(), _measuring(network, objective):
        batches = [objective.predict(network, inputs[rows]) for rows in _slices(inputs, batch_rows)]
        if not batches:
            batches = [objective.predict(network, inputs)]
    return np.concatenate([scores for scores, _ in batches]), np.concatenate([found for _, found in batches])


def warm_up(
    network: Network,
    inputs: Tensor,
    targets: Tensor,
    *,
    hyperparameters: LayersHyperparameters,
    objective: Objective,
    reference: Weights,
) -> None:
    """Pay what torch's first training step costs in a process, on a few rows; afterwards the network is ``reference``.

    Args:
        reference: weights in memory of their own.
    """
    short = LayersHyperparameters.from_dict(hyperparameters.to_dict() | {"epochs": 1, "batch_size": None})
    train_locally(
        network,
        inputs[:4],
        targets[:4],
        hyperparameters=short,
        objective=objective,
        reference=reference,
        round_index=0,
        participant_id="warm-up",
    )
    network.load_state_dict(reference)


class _LocalTraining:
    """One participant's optimizer, schedule and random numbers for one round."""

    def __init__(
        self,
        network: Network,
        hyperparameters: LayersHyperparameters,
        objective: Objective,
        reference: Weights,
        round_index: int,
        participant_id: str,
    ) -> None:
        self._network = network
        self._hyperparameters = hyperparameters
        self._objective = objective
        self._reference = reference
        self._pull = algorithms.get(hyperparameters.algorithm).pull
        parameters = [parameter for parameter in network.parameters() if parameter.requires_grad]
        if not parameters:
            raise InvalidRequest("the model has nothing to train: no layer has weights", "model")
        self._optimizer = hyperparameters.make_optimizer(parameters)
        self.scheduler = _schedule(hyperparameters, self._optimizer, round_index)
        seed = (hyperparameters.seed, participant_id, round_index)
        self._order = torch.Generator().manual_seed(seed_from("order", *seed))
        self._stream = RandomStream(seed_from("network", *seed), parameters[0].device) if network.draws else None

    def epoch(self, inputs: Tensor, targets: Tensor, should_stop: Callable[[], bool]) -> float:
        """Go through all rows once; the mean loss over them, or not a number as soon as one batch has none."""
        total = 0.0
        for rows in self._batches(len(inputs), inputs.device):
            if should_stop():
                raise JobCancelled("local training was asked to stop")
            loss = self._step(*((inputs, targets) if rows is None else (inputs[rows], targets[rows])))
            if not math.isfinite(loss):
                return math.nan
            total += loss * (len(inputs) if rows is None else len(rows))
        return total / len(inputs)

    def _batches(self, rows: int, device: torch.device) -> Iterator[Tensor | None]:
        """Row numbers of each batch in random order; ``None`` for all rows as they are."""
        size = self._hyperparameters.batch_size
        if size is None or size >= rows:
            yield None
            return
        order = torch.randperm(rows, generator=self._order).to(device)
        parts = list(torch.split(order, size))
        if len(parts[-1]) == 1 and len(parts) > 1:
            # Batch normalisation has no variance to learn from in a single row.
            parts[-2:] = [torch.cat(parts[-2:])]
        yield from parts

    def _step(self, inputs: Tensor, targets: Tensor) -> float:
        """One optimizer step, unless the loss is not finite; the mean loss over the rows, before the step."""
        self._optimizer.zero_grad(set_to_none=True)
        with self._stream.drawing() if self._stream else nullcontext():
            total, mean = self._objective.training_loss(self._network, inputs, targets)
        if not math.isfinite(float(total.detach())):
            return math.nan
        total.backward()  # type: ignore[no-untyped-call]
        self._pull(self._network, self._reference, self._hyperparameters)
        regularise(self._network, l1=self._hyperparameters.l1_lambda, l2=self._hyperparameters.l2_lambda)
        self._optimizer.step()
        return float(mean)


def _schedule(hyperparameters: LayersHyperparameters, optimizer: Optimizer, round_index: int) -> LRScheduler:
    """The run's schedule, taken forward to where round ``round_index`` begins."""
    scheduler = hyperparameters.make_scheduler(optimizer)
    if not isinstance(scheduler, lr_scheduler.ReduceLROnPlateau):
        optimizer.step()  # without gradients it changes nothing; torch wants one before the first step of a schedule
        for _ in range(round_index * hyperparameters.epochs):
            scheduler.step()
    return scheduler


def _detached(reference: Weights, network: nn.Module) -> Weights:
    """The reference on the network's device, copied where it is the network's own memory and would train along."""
    own = {tensor.data_ptr() for tensor in network.state_dict().values()}
    device = next(iter(network.state_dict().values())).device if own else torch.device("cpu")
    return {
        name: tensor.detach().clone() if tensor.data_ptr() in own else tensor.detach().to(device)
        for name, tensor in reference.items()
    }


def _measuring(network: Network, objective: Objective) -> AbstractContextManager[None]:
    """Evaluation mode, with random numbers of its own for the rare network that draws some even then."""
    network.eval()
    if not network.draws:
        return nullcontext()
    device = next((parameter.device for parameter in network.parameters()), None)
    return RandomStream(seed_from("measuring", objective.seed), device).drawing()


def _slices(inputs: Tensor, batch_rows: int | None) -> Iterator[slice]:
    values = max(1, math.prod(inputs.shape[1:]))
    size = batch_rows or max(1, min(BATCH_ROWS, BATCH_VALUES // values))
    for start in range(0, len(inputs), size):
        yield slice(start, min(start + size, len(inputs)))
