from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from fakes.naive_bayes import L_TYPE, known_naive_bayes
from fakes.orchestration import PROJECT, RUN, E, R
from synergos.bodies import OPTIMIZATIONS
from synergos.domain.keys import ExperimentKey
from synergos.domain.records import Kind
from synergos.domain.search_space import read_space
from synergos.domain.study import Direction, Study
from synergos.errors import Conflict, InvalidRequest
from synergos.orchestration.study_request import duration, study_of
from synergos.records import RecordStore

EXPERIMENT = {**PROJECT, "expt_id": E}
SPACE = {"lr": {"_type": "loguniform", "_value": [0.001, 0.1]}}
BODY: dict[str, Any] = {"search_space": SPACE, "metric": "R2", "optimize_mode": "max"}


def opened(store: RecordStore, body: Mapping[str, Any], experiment: ExperimentKey | None = None) -> Study:
    """The study that a request asks for."""
    return study_of(store, experiment or ExperimentKey.of(EXPERIMENT), OPTIMIZATIONS.read(body))


def test_what_is_left_out_has_its_default(store: RecordStore) -> None:
    study = opened(store, BODY | {"verbose": False})

    assert (study.metric, study.direction, study.searcher, study.scheduler) == (
        "R2",
        Direction.MAXIMUM,
        "TPE",
        "median",
    )
    assert (study.max_trials, study.max_concurrent, study.max_seconds) == (10, None, 3600)
    assert (study.fixed, study.base_run, study.options["verbose"]) == ({}, None, False)
    assert study.seed != opened(store, BODY).seed


def test_a_base_run_says_what_is_not_searched(store: RecordStore) -> None:
    study = opened(store, {**BODY, "base_run": R})

    assert study.base_run == R
    declared = store.get(Kind.RUN, RUN)
    assert study.fixed == {name: declared[name] for name in declared.keys() - {"doc_id", "kind", "key", "created_at"}}
    with pytest.raises(Conflict, match=r"base_run: .* has no run 'other'"):
        opened(store, {**BODY, "base_run": "other"})


def test_arguments_of_whatever_may_be_drawn_can_be_searched(store: RecordStore) -> None:
    space = {
        "optimizer": {"_type": "choice", "_value": ["SGD", "Adam"]},
        "betas": {"_type": "choice", "_value": [[0.9, 0.99], [0.8, 0.99]]},
        "momentum": {"_type": "uniform", "_value": [0, 0.9]},
        "lr_scheduler": {"_type": "choice", "_value": ["StepLR", ""]},
        "step_size": {"_type": "randint", "_value": [1, 5]},
    }

    assert opened(store, {**BODY, "search_space": space}).search_space == read_space(space)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, None),
        ({"trial_concurrency": 1}, None),
        ({"trial_concurrency": 3}, 3),
        ({"trial_concurrency": 3, "max_concurrent": 1}, 1),
        ({"max_concurrent": 4}, 4),
        ({"max_concurrent": None}, None),
    ],
)
def test_a_concurrency_of_one_that_every_client_sends_means_nothing(
    store: RecordStore, fields: dict[str, Any], expected: int | None
) -> None:
    assert opened(store, BODY | fields).max_concurrent == expected


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("1h", 3600),
        ("2h 30m", 9000),
        ("1.5m", 90),
        ("45", 45),
        ("1d 1s", 86_401),
        ("2w", 1_209_600),
        (90, 90),
        (0.5, 0.5),
    ],
)
def test_durations_have_two_spellings(value: object, seconds: float) -> None:
    assert duration(value) == seconds


def test_no_duration_is_no_limit() -> None:
    assert duration(None) is None


@pytest.mark.parametrize(
    "value", ["", "soon", "1 h", "h", "-1h", "1h30m", True, [1], 0, -1, "0s", float("inf"), "9999w"]
)
def test_what_is_no_duration_is_refused(value: object) -> None:
    with pytest.raises(InvalidRequest) as refused:
        duration(value)

    assert refused.value.field == "max_exec_duration"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"search_space": {"optimizer": {"_type": "choice", "_value": ["SGD", "SDG"]}}}, "optimizer._value[1]"),
        ({"search_space": {"batch_size": {"_type": "uniform", "_value": [1, 8]}}}, "batch_size._value[0]"),
        ({"search_space": {"rounds": {"_type": "randint", "_value": [0, 8]}}}, "rounds._value[0]"),
        ({"search_space": {"criterion": {"_type": "choice", "_value": ["NLLLoss"]}}}, "criterion._value[0]"),
        ({"search_space": {"model[1].structure.out_features": {"_type": "choice", "_value": [2]}}}, "_value[0]"),
        ({"search_space": {"model[0].structure.size": {"_type": "choice", "_value": [2]}}}, "_value[0]"),
        ({"search_space": {"model[0].bias": {"_type": "choice", "_value": [2]}}}, "_value[0]"),
        ({"search_space": {"learning_rate": SPACE["lr"]}}, "search_space.learning_rate"),
        ({"search_space": {"doc_id": SPACE["lr"]}}, "search_space.doc_id"),
        ({"search_space": {"": SPACE["lr"]}}, "search_space."),
        # Of an optimizer that is not used.
        ({"search_space": {"betas": {"_type": "choice", "_value": [[0.9, 0.99]]}}}, "search_space.betas"),
        (
            {"search_space": {"model[0].structure.bias": {"_type": "choice", "_value": [True, False] * 60}}},
            "model[0].structure.bias._value",
        ),
        ({"searcher": "NevergradSearch"}, "searcher"),
        ({"tuner": "Evolution"}, "tuner"),
        ({"scheduler": "PB2"}, "scheduler"),
        ({"searcher": "grid"}, "lr._type"),
        ({"metric": "loss"}, "metric"),
        ({"optimize_mode": "min"}, "optimize_mode"),
        ({"base_run": "a/b"}, "base_run"),
    ],
)
def test_what_could_never_be_trained_is_refused_with_its_place(
    store: RecordStore, changes: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        opened(store, BODY | changes)

    assert refused.value.field is not None
    assert refused.value.field.endswith(field)


@pytest.fixture
def bayes(store: RecordStore) -> Iterator[ExperimentKey]:
    """An experiment of a family that only tests know."""
    with known_naive_bayes():
        key = {**PROJECT, "expt_id": "bayes"}
        store.put(Kind.EXPERIMENT, key, {"family": "naive_bayes", "model": [{"l_type": L_TYPE, "structure": {}}]})
        yield ExperimentKey.of(key)


def test_what_can_be_searched_is_what_the_experiment_s_family_knows(store: RecordStore, bayes: ExperimentKey) -> None:
    def searched(name: str, smallest: float) -> dict[str, Any]:
        return {**BODY, "search_space": {name: {"_type": "uniform", "_value": [smallest, 1.0]}}}

    assert opened(store, searched("smoothing", 0.1), bayes).search_space
    with pytest.raises(
        InvalidRequest, match=r"'smothing' is not a hyperparameter of these runs; did you mean smoothing"
    ):
        opened(store, searched("smothing", 0.1), bayes)
    with pytest.raises(InvalidRequest, match=r"search_space\.smoothing.*expected a number of more than 0"):
        opened(store, searched("smoothing", -1.0), bayes)
    with pytest.raises(InvalidRequest, match="'lr' is not a hyperparameter of these runs"):
        opened(store, searched("lr", 0.1), bayes)
