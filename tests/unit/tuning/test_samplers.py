from __future__ import annotations

from dataclasses import replace
from statistics import fmean
from typing import Any

import pytest

from synergos.domain.keys import ExperimentKey
from synergos.domain.search_space import read_space
from synergos.domain.study import Direction, Study, Trial, TrialState
from synergos.errors import InvalidRequest
from synergos.tuning.samplers import GP, GRID, RANDOM, SEARCHERS, TPE, draw, searcher
from synergos.tuning.search_space import SearchSpace

SPACE = {"x": {"_type": "uniform", "_value": [0, 1]}, "kind": {"_type": "choice", "_value": ["a", "b"]}}
STUDY = Study(
    id="s",
    experiment=ExperimentKey("c", "p", "e"),
    metric="R2",
    direction=Direction.MAXIMUM,
    search_space=read_space(SPACE),
    fixed={},
    searcher=TPE,
    scheduler="none",
    max_trials=40,
    seed=5,
)


def search(study: Study, times: int, sign: float = 1.0) -> list[Trial]:
    """Trials whose objective is best at x = 0.3 with kind b."""
    space, trials = SearchSpace.of(study.search_space), list[Trial]()
    for number in range(times):
        drawn = draw(study, space, trials, number)
        values = space.values(drawn)
        reached = -sign * ((values["x"] - 0.3) ** 2 + 0.1 * (values["kind"] == "a"))
        trials.append(Trial(f"t{number}", number, drawn, values, TrialState.COMPLETED, objective=reached))
    return trials


def distance(trials: list[Trial]) -> float:
    return fmean(map(off, trials[20:]))


def off(trial: Trial) -> float:
    x = trial.hyperparameters["x"]
    assert isinstance(x, float)
    return abs(x - 0.3)


@pytest.mark.parametrize(("direction", "sign"), [(Direction.MAXIMUM, 1.0), (Direction.MINIMUM, -1.0)])
def test_tpe_follows_the_objective_in_either_direction(direction: Direction, sign: float) -> None:
    steered = search(replace(STUDY, direction=direction), 40, sign)
    blind = search(replace(STUDY, direction=direction, searcher=RANDOM), 40, sign)

    assert distance(steered) < distance(blind) / 2
    assert sum(trial.hyperparameters["kind"] == "b" for trial in steered[20:]) > 13


def test_a_gaussian_process_follows_it_with_few_trials() -> None:
    steered = search(replace(STUDY, searcher=GP, max_trials=16), 14)

    assert min(map(off, steered)) < 0.03


@pytest.mark.parametrize("name", [TPE, RANDOM, GP])
def test_whoever_goes_on_draws_what_would_have_been_drawn(name: str) -> None:
    study = replace(STUDY, searcher=name, max_trials=12)
    trials = search(study, 6)

    again = [draw(study, SearchSpace.read(SPACE), trials[:number], number) for number in range(6)]

    assert again == [trial.drawn for trial in trials]
    assert draw(replace(study, seed=6), SearchSpace.read(SPACE), trials, 6) != draw(
        study, SearchSpace.read(SPACE), trials, 6
    )


def test_studies_with_neighbouring_seeds_draw_nothing_alike() -> None:
    searches = [search(replace(STUDY, searcher=RANDOM, seed=seed), 10) for seed in (1, 2, 3)]

    assert len({trial.drawn["x"] for trials in searches for trial in trials}) == 30


def test_trials_in_every_state_can_be_told() -> None:
    trials = [
        replace(trial, state=state, objective=trial.objective if state is TrialState.COMPLETED else None)
        for trial, state in zip(search(STUDY, 24), [*TrialState] * 4, strict=True)
    ]

    found = draw(STUDY, SearchSpace.read(SPACE), trials, 24)

    assert found.keys() == SPACE.keys()


def test_what_is_running_is_not_drawn_again_at_once() -> None:
    space: dict[str, Any] = {"x": {"_type": "uniform", "_value": [0, 1]}}
    study = replace(STUDY, search_space=read_space(space))
    trials = search(replace(study, search_space=read_space(SPACE)), 30)
    found: list[float] = []
    for number in range(30, 36):
        drawn = draw(study, SearchSpace.read(space), trials, number)
        found.append(drawn["x"])
        trials.append(Trial(f"t{number}", number, drawn, drawn))

    assert len({round(x, 3) for x in found}) == 6


def test_a_grid_is_not_drawn_but_taken_in_turn() -> None:
    space = SearchSpace.read({**SPACE, "kind": {"_type": "grid_search", "_value": ["a", "b"]}})

    found = [draw(STUDY, space, [], number) for number in range(4)]

    assert [one["kind"] for one in found[:2]] == [one["kind"] for one in found[2:]]
    assert {one["kind"] for one in found} == {0, 1}


@pytest.mark.parametrize(
    ("name", "meaning"),
    [("BasicVariantGenerator", RANDOM), ("OptunaSearch", TPE), ("HyperOptSearch", TPE), ("AxSearch", GP), ("TPE", TPE)],
)
def test_names_have_their_equivalents(name: str, meaning: str) -> None:
    assert searcher(name, "searcher") == meaning
    assert {searcher(own, "searcher") for own in (TPE, RANDOM, GP, GRID)} == set(SEARCHERS.values())


@pytest.mark.parametrize("name", ["NevergradSearch", "SigOptSearch", "Evolution", "tpe"])
def test_names_without_one_are_refused(name: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        searcher(name, "tuner")

    assert refused.value.field == "tuner"
    assert name in str(refused.value)
