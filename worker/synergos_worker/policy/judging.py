"""What is asked, held against the owner's limits; the first limit that it does not keep to is named, with its value and what was asked."""

from __future__ import annotations

from collections.abc import Collection

import structlog
from torch import Tensor

from synergos.learning.families import Recipe
from synergos_worker.policy.limits import OwnerLimits, beyond
from synergos_worker.policy.rounds import RoundJudge, judge_rates

log = structlog.get_logger(__name__)


def judge_unread(limits: OwnerLimits, recipe: Recipe, participants: int | None) -> None:
    """Refuse to train what can be refused whatever the rows are, before any is read.

    Args:
        participants: how many updates a round takes at least, as the orchestrator says; None where it does not.

    Raises:
        NotAllowed: names the limit.
    """
    if (participants or 1) < limits.least_participants:
        asked = (
            "how many a round takes is not said"
            if participants is None
            else f"a round of this run takes {participants}"
        )
        raise beyond(limits, "least_participants", asked)
    judge_rates(limits, recipe.family.plan(recipe, 1).rates)


def judged(limits: OwnerLimits, recipe: Recipe, inputs: Tensor) -> RoundJudge:
    """Refuse to train a model on these rows; what judges its rounds where that is allowed.

    Args:
        inputs: of the rows to train on, (N, *row shape), at least one.

    Raises:
        NotAllowed: names the limit.
    """
    rows = len(inputs)
    if rows < limits.least_rows:
        # Not how many there are: the orchestrator is told that once it may train on them.
        raise beyond(limits, "least_rows", "this run would be trained on fewer")
    plan = recipe.family.plan(recipe, rows)
    if plan.steps < limits.least_steps:
        raise beyond(limits, "least_steps", f"a round of this run makes {plan.steps}")
    if plan.smallest_batch < limits.least_batch_rows:
        log.info("batches are smaller than the owner allows", smallest_batch=plan.smallest_batch)
        # Not how many rows: what is left for the last batch says how many there are.
        raise beyond(limits, "least_batch_rows", "a batch of this run is smaller")
    if plan.statistics_rows < min(limits.least_statistics_rows, rows):
        log.info(
            "running statistics are of fewer rows than the owner allows", statistics_rows=round(plan.statistics_rows, 3)
        )
        raise beyond(limits, "least_statistics_rows", "running statistics of this model would be of fewer")
    judge_rates(limits, plan.rates)
    count = parameters_of(recipe)
    if (share := count / (rows * values_of(inputs))) > limits.largest_parameters:
        log.info("a model is larger than the owner allows", parameters=count, largest_parameters=round(share, 3))
        # Not how many: whoever chooses the inputs could work out which of them are the same in every row.
        raise beyond(limits, "largest_parameters", "this model has more")
    return RoundJudge(limits, recipe.space.action, plan.gain, learnt(recipe))


def values_of(inputs: Tensor) -> int:
    """How many values of a row tell it from others: inputs that are the same in every row are of no row.

    Whoever chooses the feature space may add as many of those as it likes. Of a single row all inputs count.
    """
    if len(inputs) == 1:
        return inputs.numel()
    return max(1, int((inputs.amax(dim=0) != inputs.amin(dim=0)).sum()))


def learnt(recipe: Recipe) -> Collection[str] | None:
    """The names of the weights that learn; None where all do, or none is said to."""
    model = recipe.family.outline(recipe)
    names = set(model.parameters)
    return None if not names or names == model.weights.keys() else model.parameters


def parameters_of(recipe: Recipe) -> int:
    """How many numbers of the model learn."""
    model = recipe.family.outline(recipe)
    return sum(model.weights[name].numel() for name in model.parameters)
