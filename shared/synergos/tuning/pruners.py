"""Pruners end a trial that is hopeless: Optuna's pruners, by the names that clients know, fed with evaluation losses.

Successive halving: Li et al., "A System for Massively Parallel Hyperparameter Tuning", MLSys 2020. Hyperband: Li et al.,
JMLR 2018. Median: Golovin et al., "Google Vizier", KDD 2017.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from synergos.tuning.known_names import meaning

if TYPE_CHECKING:
    from optuna import Study, Trial
    from optuna.pruners import BasePruner

MEDIAN, HALVING, HYPERBAND, NONE = "median", "successive halving", "hyperband", "none"
DEFAULT = MEDIAN

SCHEDULERS = {
    **dict.fromkeys(("median", "MedianPruner", "MedianStoppingRule", "Medianstop"), MEDIAN),
    **dict.fromkeys(
        ("successive halving", "SuccessiveHalvingPruner", "AsyncHyperBandScheduler", "ASHAScheduler"), HALVING
    ),
    **dict.fromkeys(("hyperband", "HyperbandPruner", "HyperBandScheduler", "HyperBandForBOHB"), HYPERBAND),
    **dict.fromkeys(("none", "NopPruner", "FIFOScheduler"), NONE),
}
"""The names of Ray Tune's, NNI's and Optuna's that have an equivalent, and which it is."""

_WITHOUT_EQUIVALENT = frozenset(
    {"PopulationBasedTraining", "PopulationBasedTrainingReplay", "PB2", "ResourceChangingScheduler", "Curvefitting"}
)

_WORST = 1e300
"""For a loss that is not finite: between infinities there is no median."""
MOST_OTHERS = 100
"""With how many trials one is compared, the latest; more take longer than the round that might be saved."""
_FINISHED_FIRST = 4
"""How many trials are to have reached a round before the median is asked; a search of a few trials prunes nothing."""


def scheduler(name: str, field: str) -> str:
    """Which pruner a name means.

    Raises:
        InvalidRequest: none.
    """
    return meaning(name, field, SCHEDULERS, _WITHOUT_EQUIVALENT)


@dataclass(frozen=True)
class LearningCurve:
    """How a trial has gone so far.

    Attributes:
        number: of the trial in its study.
        losses: evaluation loss after so many rounds; None where it is not finite.
        is_over: whether it was trained to its end.
        is_pruned: whether it was ended before.
    """

    number: int
    losses: Mapping[int, float | None]
    is_over: bool = False
    is_pruned: bool = False


def is_hopeless(pruner: str, study_id: str, own: LearningCurve, others: Sequence[LearningCurve], rounds: int) -> bool:
    """Whether a trial is to be ended after the newest round it has a loss for.

    Args:
        own: its curve; the others' are compared with it at the same rounds.
        rounds: how many it would have.
    """
    if pruner == NONE or not own.losses:
        return False
    if own.losses[max(own.losses)] is None:
        return True
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(
        study_name=study_id,
        direction="minimize",
        sampler=optuna.samplers.RandomSampler(seed=0),
        pruner=_pruner(pruner, rounds),
    )
    latest = sorted(others, key=lambda each: each.number)[-MOST_OTHERS:]
    trial = _trial_among(study, own.number, latest, with_gaps=pruner == HYPERBAND)
    for step, loss in sorted(own.losses.items()):
        trial.report(_WORST if loss is None else loss, step)
        hopeless = trial.should_prune()
    return hopeless


def _trial_among(study: Study, number: int, others: Sequence[LearningCurve], *, with_gaps: bool) -> Trial:
    """Have the other trials' curves known; the one with the number that is asked about.

    Args:
        with_gaps: every trial gets its own number, as Hyperband deals brackets by it.
    """
    import optuna

    curves = {other.number: other for other in others}
    numbers = sorted([number, *curves])
    for each in range(numbers[-1] + 1) if with_gaps else numbers:
        trial = study.ask()
        if each == number:
            own = trial
        elif each in curves:
            _tell(study, trial, curves[each])
        else:
            study.tell(trial, state=optuna.trial.TrialState.FAIL)
    return own


def _tell(study: Study, trial: Trial, curve: LearningCurve) -> None:
    """Have another trial's curve known, and where the pruner would have looked at it."""
    import optuna

    for step, loss in sorted(curve.losses.items()):
        trial.report(_WORST if loss is None else loss, step)
        trial.should_prune()
    if curve.is_pruned:
        study.tell(trial, state=optuna.trial.TrialState.PRUNED)
    elif curve.is_over and curve.losses:
        last = curve.losses[max(curve.losses)]
        study.tell(trial, _WORST if last is None else last)


def _pruner(name: str, rounds: int) -> BasePruner:
    import optuna

    if name == MEDIAN:
        return optuna.pruners.MedianPruner(n_startup_trials=_FINISHED_FIRST, n_min_trials=_FINISHED_FIRST)
    if name == HALVING:
        return optuna.pruners.SuccessiveHalvingPruner(min_resource=1, reduction_factor=4)
    return optuna.pruners.HyperbandPruner(min_resource=1, max_resource=rounds, reduction_factor=3)
