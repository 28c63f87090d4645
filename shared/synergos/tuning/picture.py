"""A picture of a study: its objectives trial by trial, and which hyperparameters they depend on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from synergos.domain.study import Direction, Study, Trial, TrialState
from synergos.orchestration.artifacts import picture_of
from synergos.tuning.samplers import optuna_study
from synergos.tuning.search_space import SearchSpace

_FEWEST = 4
"""Trials that it takes to say anything about importance."""
_MOST = 300
_DOTS = {
    TrialState.COMPLETED: ("o", "tab:blue"),
    TrialState.PRUNED: ("x", "tab:orange"),
    TrialState.FAILED: ("x", "tab:red"),
}


def draw_picture(study: Study, trials: Sequence[Trial], outputs: Path) -> Path | None:
    """Write ``<outputs>/<collab>/<project>/<expt>/optimizations/<study>.png``; None when no trial was completed."""
    completed = {trial.number: trial.objective for trial in trials if trial.objective is not None}
    if not completed:
        return None
    # Not pyplot, which keeps figures for the one thread that shows them.
    from matplotlib.figure import Figure

    importance = _importance(study, trials)
    figure = Figure(figsize=(11 if importance else 6.5, 4.2), layout="constrained")
    [[history, *others]] = figure.subplots(1, 2 if importance else 1, squeeze=False)
    _draw_history(history, study, trials, completed)
    if importance:
        _draw_importance(others[0], importance)
    path = picture_of(study, outputs)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}")
    figure.savefig(unfinished, dpi=120, format="png")
    return unfinished.replace(path)


def _draw_history(axes: Any, study: Study, trials: Sequence[Trial], completed: dict[int, float]) -> None:
    better = max if study.direction is Direction.MAXIMUM else min
    numbers, objectives = list(completed), list(completed.values())
    marker, colour = _DOTS[TrialState.COMPLETED]
    axes.scatter(numbers, objectives, marker=marker, color=colour, label="completed", zorder=2)
    best_so_far = [better(objectives[: count + 1]) for count in range(len(objectives))]
    axes.plot(numbers, best_so_far, color="tab:green", label="best so far", zorder=1)
    for state in (TrialState.PRUNED, TrialState.FAILED):
        ended = [trial.number for trial in trials if trial.state is state]
        if ended:
            marker, colour = _DOTS[state]
            # They have no objective; they stand where the worst one does.
            worst = (min if better is max else max)(objectives)
            axes.scatter(ended, [worst] * len(ended), marker=marker, color=colour, label=state.value)
    axes.set_xlabel("trial")
    axes.set_ylabel(study.metric)
    axes.set_title(f"{study.experiment.expt_id}: {study.searcher}, {study.metric} ({study.direction.value})")
    axes.legend()


def _draw_importance(axes: Any, importance: dict[str, float]) -> None:
    names = list(reversed(importance))
    axes.barh(names, [importance[name] for name in names], color="tab:blue")
    axes.set_xlim(0, 1)
    axes.set_xlabel("importance (fANOVA)")
    axes.set_title("what the objective depends on")


def _importance(study: Study, trials: Sequence[Trial]) -> dict[str, float]:
    """By hyperparameter, most important first (Hutter et al., "An Efficient Approach for Assessing Hyperparameter
    Importance", ICML 2014); empty where the trials do not tell.
    """
    completed = [trial for trial in trials if trial.objective is not None]
    if len(completed) < _FEWEST or len({trial.objective for trial in completed}) == 1:
        return {}
    from optuna.importance import FanovaImportanceEvaluator, get_param_importances

    distributions = SearchSpace.of(study.search_space).distributions(with_grids=True)
    # Its time grows with the square of their number; some hundred tell as much as all.
    known = optuna_study(study, distributions, completed[:: len(completed) // _MOST + 1])
    return dict(get_param_importances(known, evaluator=FanovaImportanceEvaluator(seed=study.seed)))
