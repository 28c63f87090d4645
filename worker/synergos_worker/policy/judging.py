"""What is asked, held against the owner's limits; the first limit that it does not keep to is named, with its value and what was asked."""

from __future__ import annotations

from torch import Tensor

from synergos.learning.families import Recipe
from synergos_worker.policy.limits import OwnerLimits, beyond
from synergos_worker.policy.rounds import RoundJudge, judge_rates


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
    if plan.batch_rows < limits.least_batch_rows:
        raise beyond(limits, "least_batch_rows", f"a step of this run takes {plan.batch_rows}")
    if plan.statistics_rows < min(limits.least_statistics_rows, rows):
        asked = f"running statistics of this model would be of {plan.statistics_rows:.3g}"
        raise beyond(limits, "least_statistics_rows", asked)
    judge_rates(limits, plan.rates)
    count = parameters_of(recipe)
    if (share := count / (rows * values_of(inputs))) > limits.largest_parameters:
        asked = f"this model has {count} parameters, {share:.3g} for each value of a row"
        raise beyond(limits, "largest_parameters", asked)
    return RoundJudge(limits, recipe.space.action, plan.gain)


def values_of(inputs: Tensor) -> int:
    """How many values of a row tell it from others: inputs that are the same in every row are of no row.

    Whoever chooses the feature space may add as many of those as it likes. Of a single row all inputs count.
    """
    if len(inputs) == 1:
        return inputs.numel()
    return max(1, int((inputs.amax(dim=0) != inputs.amin(dim=0)).sum()))


def parameters_of(recipe: Recipe) -> int:
    """How many numbers of the model learn."""
    model = recipe.family.outline(recipe)
    return sum(model.weights[name].numel() for name in model.parameters)
