"""Samplers draw a study's hyperparameters: Optuna's samplers, by the names that clients know.

TPE: Bergstra et al., "Algorithms for Hyper-Parameter Optimization", NeurIPS 2011. GP: Bayesian optimisation with a
Gaussian process, Jones et al., "Efficient Global Optimization of Expensive Black-Box Functions", 1998.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from synergos.domain.study import Direction, Study, Trial, TrialState
from synergos.tuning.known_names import meaning
from synergos.tuning.search_space import SearchSpace

if TYPE_CHECKING:
    from optuna import Study as OptunaStudy
    from optuna.distributions import BaseDistribution
    from optuna.samplers import BaseSampler
    from optuna.trial import FrozenTrial

TPE, RANDOM, GRID, GP = "TPE", "random", "grid", "GP"
DEFAULT = TPE

SEARCHERS = {
    **dict.fromkeys(("TPE", "TPESampler", "OptunaSearch", "HyperOptSearch", "TuneBOHB"), TPE),
    **dict.fromkeys(("random", "Random", "RandomSampler", "BasicVariantGenerator"), RANDOM),
    **dict.fromkeys(("GP", "GPSampler", "GPTuner", "BayesOptSearch", "SkOptSearch", "AxSearch"), GP),
    **dict.fromkeys(("grid", "GridSearch", "GridSampler"), GRID),
}
"""The names of Ray Tune's, NNI's and Optuna's that have an equivalent, and which it is."""

_WITHOUT_EQUIVALENT = frozenset(
    {
        *("DragonflySearch", "HEBOSearch", "NevergradSearch", "SigOptSearch", "ZOOptSearch", "BlendSearch", "CFO"),
        *("Anneal", "Evolution", "SMAC", "Batch", "Hyperband", "NetworkMorphism", "MetisTuner", "PPOTuner", "PBTTuner"),
        *("BOHB", "DNGOTuner"),
    }
)


def searcher(name: str, field: str) -> str:
    """Which sampler a name means.

    Raises:
        InvalidRequest: none.
    """
    return meaning(name, field, SEARCHERS, _WITHOUT_EQUIVALENT)


def draw(study: Study, space: SearchSpace, past: Iterable[Trial], number: int) -> dict[str, Any]:
    """What the next trial is to try, by dimension.

    The study is told anew to Optuna each time, so that nothing has to be kept but the trials themselves: whoever goes
    on with a study, after whatever happened, draws what would have been drawn.

    Args:
        past: the study's trials so far; the objectives of the completed ones steer the draw, and what runs just now
            is not drawn again at once.
        number: how many trials were drawn before; with the study's seed it decides what chance brings.
    """
    taken = space.on_grid(number, study.seed)
    distributions = space.distributions()
    known = optuna_study(study, distributions, past, _sampler(study, number))
    return known.ask(distributions).params | taken


def optuna_study(
    study: Study,
    distributions: dict[str, BaseDistribution],
    past: Iterable[Trial],
    sampler: BaseSampler | None = None,
) -> OptunaStudy:
    """A study as Optuna knows it, in memory, with the dimensions that are named."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    directions = optuna.study.StudyDirection
    known = optuna.create_study(
        direction=directions.MAXIMIZE if study.direction is Direction.MAXIMUM else directions.MINIMIZE, sampler=sampler
    )
    known.add_trials([found for trial in past if (found := _optuna_trial(trial, distributions)) is not None])
    return known


def _optuna_trial(trial: Trial, distributions: dict[str, BaseDistribution]) -> FrozenTrial | None:
    """A trial as Optuna knows it; None for one that says nothing about its combination."""
    import optuna

    states = {
        TrialState.COMPLETED: optuna.trial.TrialState.COMPLETE,
        # Without the losses it was pruned for: what Optuna wants to know is an objective, and that it was a bad one.
        TrialState.PRUNED: optuna.trial.TrialState.PRUNED,
        TrialState.RUNNING: optuna.trial.TrialState.RUNNING,
    }
    if trial.state not in states or any(name not in trial.drawn for name in distributions):
        return None
    drawn = {name: trial.drawn[name] for name in distributions}
    return optuna.trial.create_trial(
        state=states[trial.state], value=trial.objective, params=drawn, distributions=distributions
    )


def _sampler(study: Study, number: int) -> BaseSampler:
    import optuna
    from numpy.random import SeedSequence

    # Not their sum: of studies with neighbouring seeds one would repeat what the other has drawn.
    seed = int(SeedSequence((study.seed, number)).generate_state(1)[0])
    # A study of ten trials would otherwise draw all of them blindly.
    blind = max(3, min(10, study.max_trials // 4))
    if study.searcher == TPE:
        # The liar takes what is running for bad, so that its neighbours are not drawn at the same time.
        return optuna.samplers.TPESampler(seed=seed, n_startup_trials=blind, multivariate=True, constant_liar=True)
    if study.searcher == GP:
        return optuna.samplers.GPSampler(seed=seed, n_startup_trials=blind)
    return optuna.samplers.RandomSampler(seed=seed)
