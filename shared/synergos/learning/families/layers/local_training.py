"""What one participant does with a network and its own rows: train from given weights, measure, predict.

Policy across rounds: the optimizer starts fresh with each training; the learning-rate schedule goes on where the round before left
off, at epoch ``round * epochs`` (a plateau schedule starts afresh); random numbers depend on seed, participant and round only.
So the same round gives the same bytes, also when it is repeated by a process that has just started.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext

import numpy as np
import torch
from torch import Tensor, nn

from synergos.errors import InvalidRequest, JobCancelled
from synergos.learning.algorithms import Adjust, Weights
from synergos.learning.early_stopping import EarlyStopping
from synergos.learning.families.family import Evaluation, LocalResult
from synergos.learning.families.layers.hyperparameters import LayersHyperparameters
from synergos.learning.families.layers.network import Network
from synergos.learning.families.layers.objective import Objective, Predicted, Scores
from synergos.learning.families.layers.penalties import regularise
from synergos.learning.families.layers.schedule import Schedule
from synergos.learning.families.layers.step_gain import decay_of, further
from synergos.learning.randomness import RandomStream, seed_from

BATCH_ROWS = 4096
BATCH_VALUES = 2**20
"""Rows, and values of them, that are measured or predicted at once: a layer makes many more values of an image."""

WARM_UP_ROWS = 4

_STRAYED = 10.0
"""How many times larger the mean loss of a first epoch is than that of its first batch, when it has diverged within it."""


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
    adjust: Adjust | None = None,
    epochs: int | None = None,
    schedule: Schedule | None = None,
    again: tuple[int, ...] = (),
    start_loss: Callable[[], float] | None = None,
    on_epoch: Callable[[int, int], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> LocalResult:
    """Train ``network`` in place, from ``reference``, in one round.

    Args:
        inputs: (N, *row shape), on the network's device, as ``targets``; see :class:`Objective` for their shape.
        reference: the weights to start from.
        adjust: see :data:`synergos.learning.algorithms.Adjust`.
        epochs: passes over the rows; the run's by default, and no more than those.
        schedule: of the run, from the round before; without it, all epochs before the round are gone through.
        again: tells this training from others of the same round, for the random numbers; the first one has nothing to tell.
        start_loss: the mean loss over the rows at ``reference``; asked for when it is not that of the first epoch.
        on_epoch: told after each epoch how many are done, and of how many.
        should_stop: asked before each batch.

    Raises:
        InvalidRequest: there are no rows, or the model, the loss and the rows do not go together.
        JobCancelled: ``should_stop`` said so.
    """
    if len(inputs) == 0:
        raise InvalidRequest(f"{participant_id} has no row to train on", "train")
    started = time.monotonic()
    _take(network, reference)
    schedule = schedule or Schedule(hyperparameters)
    should_stop = should_stop or _never
    schedule.begin(round_index, should_stop)
    draws = (hyperparameters.seed, participant_id, round_index, *again)
    training = _LocalTraining(network, hyperparameters, objective, adjust, schedule, draws)
    epochs = min(epochs or hyperparameters.epochs, hyperparameters.epochs)
    stopping = EarlyStopping(hyperparameters.patience, hyperparameters.delta)
    first = math.nan
    network.train()
    try:
        for epoch in range(epochs):
            loss = training.epoch(inputs, targets, should_stop)
            if epoch == 0:
                first = start_loss() if start_loss and loss > _STRAYED * training.first_loss > 0 else loss
            if on_epoch is not None:
                on_epoch(epoch + 1, epochs)
            stopping.improved(loss)
            if stopping.should_stop or not math.isfinite(loss):
                break
            schedule.step(loss)
    finally:
        network.zero_grad(set_to_none=True)
        network.eval()
    seconds = time.monotonic() - started
    return LocalResult(len(inputs), loss, epoch + 1, seconds, training.steps, training.rates, training.reach, first)


def evaluate_locally(
    network: Network,
    inputs: Tensor,
    targets: Tensor,
    *,
    objective: Objective,
    batch_rows: int | None = None,
    most_rows: int | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Evaluation:
    """The network's mean loss over rows, without changing it.

    Args:
        batch_rows: how many at once; see :data:`BATCH_ROWS` unless it is said, and ``most_rows`` at most.
        should_stop: asked before each batch.

    Raises:
        InvalidRequest: there are no rows.
        JobCancelled: ``should_stop`` said so.
    """
    if len(inputs) == 0:
        raise InvalidRequest("there is no row to evaluate on", "evaluate")
    total = 0.0
    with torch.no_grad(), _measuring(network, objective):
        for rows in _slices(inputs, batch_rows, most_rows, should_stop):
            loss = objective.loss(network, inputs[rows], targets[rows])
            total += float(loss) * (rows.stop - rows.start)
    return Evaluation(len(inputs), total / len(inputs))


def infer(
    network: Network,
    inputs: Tensor,
    objective: Objective,
    batch_rows: int | None = None,
    most_rows: int | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> tuple[Scores, Predicted]:
    """Scores and predictions of rows, in their order; shapes as :meth:`Objective.predict` has them.

    Args:
        batch_rows: as :func:`evaluate_locally` has them, ``most_rows`` and ``should_stop`` too.

    Raises:
        JobCancelled: ``should_stop`` said so.
    """
    with torch.no_grad(), _measuring(network, objective):
        batches = [
            objective.predict(network, inputs[rows]) for rows in _slices(inputs, batch_rows, most_rows, should_stop)
        ]
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
        inputs[:WARM_UP_ROWS],
        targets[:WARM_UP_ROWS],
        hyperparameters=short,
        objective=objective,
        reference=reference,
        round_index=0,
        participant_id="warm-up",
    )
    _take(network, reference)


class _LocalTraining:
    """One training's optimizer and random numbers.

    Attributes:
        steps: how many the optimizer made.
        rates: the sum of their learning rates.
        reach: how far they can have moved the weights, for gradients of length 1.
        first_loss: of the first batch.
    """

    def __init__(
        self,
        network: Network,
        hyperparameters: LayersHyperparameters,
        objective: Objective,
        adjust: Adjust | None,
        schedule: Schedule,
        draws: tuple[object, ...],
    ) -> None:
        self._network = network
        self._hyperparameters = hyperparameters
        self._objective = objective
        self._adjust = adjust
        self._schedule = schedule
        self._parameters = {name: each for name, each in network.named_parameters() if each.requires_grad}
        parameters = list(self._parameters.values())
        if not parameters:
            raise InvalidRequest("the model has nothing to train: no layer has weights", "model")
        self._optimizer = hyperparameters.make_optimizer(parameters)
        # The same at each step: a schedule changes rates and momenta alone.
        self._decay = decay_of(hyperparameters, self._optimizer.param_groups[0])
        self._order = torch.Generator().manual_seed(seed_from("order", *draws))
        self._stream = RandomStream(seed_from("network", *draws), parameters[0].device) if network.draws else None
        self.steps, self.rates, self.reach, self.first_loss = 0, 0.0, 0.0, math.nan

    def epoch(self, inputs: Tensor, targets: Tensor, should_stop: Callable[[], bool]) -> float:
        """Go through all rows once; the mean loss over them, or not a number as soon as one batch has none."""
        total = 0.0
        self._schedule.steer(self._optimizer)
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
        if self._adjust is not None:
            self._adjust(self._parameters)
        regularise(self._network, l1=self._hyperparameters.l1_lambda, l2=self._hyperparameters.l2_lambda)
        self._optimizer.step()
        if self.steps == 0:
            self.first_loss = float(mean)
        self.steps += 1
        rate = float(self._optimizer.param_groups[0]["lr"])
        self.rates += rate
        self.reach = further(self.reach, rate, self._decay)
        return float(mean)


def _take(network: nn.Module, weights: Weights) -> None:
    """Have the network's own memory hold these weights, which may lie there already.

    Raises:
        ValueError: their names and shapes are not its own.
    """
    # In fewer steps than torch's own ``load_state_dict``, which looks at each module.
    state = network.state_dict()
    if state.keys() != weights.keys() or any(weights[name].shape != own.shape for name, own in state.items()):
        raise ValueError("these are no weights of this network")
    with torch.no_grad():
        for name, own in state.items():
            own.copy_(weights[name])


def _never() -> bool:
    return False


def _measuring(network: Network, objective: Objective) -> AbstractContextManager[None]:
    """Evaluation mode, with random numbers of its own for the rare network that draws some even then."""
    network.eval()
    if not network.draws:
        return nullcontext()
    device = next((parameter.device for parameter in network.parameters()), None)
    return RandomStream(seed_from("measuring", objective.seed), device).drawing()


def _slices(
    inputs: Tensor, batch_rows: int | None, most_rows: int | None, should_stop: Callable[[], bool] | None
) -> Iterator[slice]:
    values = max(1, math.prod(inputs.shape[1:]))
    size = batch_rows or max(1, min(BATCH_ROWS, BATCH_VALUES // values, most_rows or BATCH_ROWS))
    for start in range(0, len(inputs), size):
        if should_stop is not None and should_stop():
            raise JobCancelled("measuring was asked to stop")
        yield slice(start, min(start + size, len(inputs)))
