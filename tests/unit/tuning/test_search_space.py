from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import replace
from statistics import fmean, stdev
from typing import Any

import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synergos.domain.keys import ExperimentKey
from synergos.domain.study import Direction, Study
from synergos.errors import InvalidRequest
from synergos.tuning.samplers import RANDOM, draw
from synergos.tuning.search_space import SearchSpace

optuna.logging.set_verbosity(optuna.logging.WARNING)


def drawn(kind: str, values: list[Any], times: int = 60) -> list[Any]:
    """What a random search draws from one dimension."""
    space = SearchSpace.read({"x": {"_type": kind, "_value": values}})
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
    return [space.values(study.ask(space.distributions()).params)["x"] for _ in range(times)]


def test_a_choice_draws_its_values_as_they_are() -> None:
    values = [None, True, "SGD", 3, 0.5, [0.9, 0.99]]

    found = drawn("choice", values)

    assert all(any(value is one for one in values) for value in found)
    assert {repr(value) for value in found} == {repr(value) for value in values}


@pytest.mark.parametrize("kind", ["uniform", "loguniform"])
def test_numbers_lie_between_both_ends(kind: str) -> None:
    found = drawn(kind, [0.001, 1.0])

    assert all(isinstance(value, float) and 0.001 <= value <= 1.0 for value in found)
    # Half of a logarithmic range lies below its geometric mean.
    below = sum(value < math.sqrt(0.001) for value in found)
    assert below > 15 if kind == "loguniform" else below < 10


@pytest.mark.parametrize(
    ("kind", "values", "possible"),
    [
        ("quniform", [0.0, 0.5, 0.1], [0.0, 0.1, 0.2, 0.3, 0.4, 0.5]),
        ("quniform", [0.05, 0.3, 0.1], [0.1, 0.2, 0.3]),
        ("qloguniform", [1, 8, 2], [2.0, 4.0, 6.0, 8.0]),
        ("randint", [2, 5], [2, 3, 4]),
        ("lograndint", [1, 4], [1, 2, 3]),
        ("qrandint", [16, 64, 16], [16, 32, 48, 64]),
        ("qlograndint", [4, 12, 4], [4, 8, 12]),
        # The first step of a logarithmic range is not 0.
        ("qloguniform", [1e-10, 1, 0.5], [0.5, 1.0]),
        ("qlograndint", [1, 4 * 10**9, 2 * 10**9], [2 * 10**9, 4 * 10**9]),
        # Whole numbers are exact, however large.
        ("randint", [10**14 + 1, 10**14 + 3], [10**14 + 1, 10**14 + 2]),
        ("qrandint", [10**14 + 1, 10**14 + 9, 5], [10**14 + 5]),
    ],
)
def test_steps_are_multiples_and_whole_numbers_are_whole(kind: str, values: list[Any], possible: list[Any]) -> None:
    found = drawn(kind, values)

    assert set(found) == set(possible)
    assert {type(value) for value in found} == {type(possible[0])}


@pytest.mark.parametrize("kind", ["randn", "normal"])
def test_normal_numbers_have_their_mean_and_deviation(kind: str) -> None:
    found = drawn(kind, [10.0, 2.0], times=400)

    assert fmean(found) == pytest.approx(10, abs=0.4)
    assert stdev(found) == pytest.approx(2, abs=0.3)


@pytest.mark.parametrize("kind", ["qrandn", "qnormal"])
def test_normal_steps_are_multiples(kind: str) -> None:
    assert all(value % 5 == 0 for value in drawn(kind, [10.0, 20.0, 5.0]))


def test_a_lognormal_number_has_a_normal_logarithm() -> None:
    logarithms = [math.log(value) for value in drawn("lognormal", [1.0, 0.5], times=400)]

    assert fmean(logarithms) == pytest.approx(1, abs=0.1)
    assert all(value % 2 == 0 for value in drawn("qlognormal", [1.0, 0.5, 2.0]))


def test_a_grid_comes_in_turn_and_whole() -> None:
    space = SearchSpace.read(
        {
            "a": {"_type": "grid_search", "_value": [1, 2, 3]},
            "b": {"_type": "grid_search", "_value": ["x", "y"]},
            "c": {"_type": "uniform", "_value": [0, 1]},
        }
    )

    found = [tuple(space.values(space.on_grid(number, seed=3)).values()) for number in range(12)]

    assert (space.grid_size, space.is_grid) == (6, False)
    assert len(set(found[:6])) == 6
    assert found[:6] == found[6:]
    assert list(space.distributions()) == ["c"]


def test_choices_become_a_grid_and_ranges_do_not() -> None:
    choices = {"a": {"_type": "choice", "_value": [1, 2]}, "b": {"_type": "choice", "_value": [3, 4]}}

    grid = SearchSpace.read(choices).as_grid()

    assert (grid.is_grid, grid.grid_size) == (True, 4)
    with pytest.raises(InvalidRequest, match=r"^search_space\.lr\._type: "):
        SearchSpace.read({**choices, "lr": {"_type": "uniform", "_value": [0, 1]}}).as_grid()


@pytest.mark.parametrize(
    ("described", "field"),
    [
        (None, "search_space.x"),
        ({"_value": [1]}, "search_space.x._type"),
        ({"_type": "choice"}, "search_space.x._value"),
        ({"_type": "choice", "_value": [1], "size": 3}, "search_space.x.size"),
        ({"_type": "chioce", "_value": [1]}, "search_space.x._type"),
        ({"_type": ["choice"], "_value": [1]}, "search_space.x._type"),
        ({"_type": "choice", "_value": 3}, "search_space.x._value"),
        ({"_type": "choice", "_value": []}, "search_space.x._value"),
        ({"_type": "choice", "_value": [{"_name": "SGD"}]}, "search_space.x._value[0]"),
        ({"_type": "uniform", "_value": [1]}, "search_space.x._value"),
        ({"_type": "uniform", "_value": [0, "1"]}, "search_space.x._value[1]"),
        ({"_type": "uniform", "_value": [0, True]}, "search_space.x._value[1]"),
        ({"_type": "uniform", "_value": [2, 1]}, "search_space.x._value[1]"),
        ({"_type": "uniform", "_value": [0, 1e300]}, "search_space.x._value[1]"),
        ({"_type": "loguniform", "_value": [0, 1]}, "search_space.x._value[0]"),
        ({"_type": "quniform", "_value": [0, 1, 0]}, "search_space.x._value[2]"),
        ({"_type": "quniform", "_value": [0.1, 0.2, 1]}, "search_space.x._value"),
        ({"_type": "randint", "_value": [1, 1]}, "search_space.x._value[1]"),
        ({"_type": "randint", "_value": [1, 2.5]}, "search_space.x._value[1]"),
        ({"_type": "lograndint", "_value": [0, 4]}, "search_space.x._value[0]"),
        ({"_type": "randn", "_value": [0, 0]}, "search_space.x._value[1]"),
        ({"_type": "lognormal", "_value": [1000, 1]}, "search_space.x._value[0]"),
        ({"_type": "qnormal", "_value": [1e15, 1, 1e-300]}, "search_space.x._value[2]"),
        ({"_type": "quniform", "_value": [0, 1, 1e-310]}, "search_space.x._value[2]"),
        ({"_type": "qrandint", "_value": [5, 7, 4]}, "search_space.x._value"),
    ],
)
def test_a_dimension_that_makes_no_sense_is_named(described: object, field: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        SearchSpace.read({"x": described})

    assert refused.value.field == field


def test_a_space_without_dimensions_or_with_too_large_a_grid_is_refused() -> None:
    with pytest.raises(InvalidRequest, match=r"^search_space: "):
        SearchSpace.read({})
    values = list(range(40))
    with pytest.raises(InvalidRequest, match="1,000 combinations"):
        SearchSpace.read({name: {"_type": "grid_search", "_value": values} for name in "ab"})


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


KINDS = [
    *("choice", "grid_search", "uniform", "quniform", "loguniform", "qloguniform"),
    *("randint", "qrandint", "lograndint", "qlograndint", "randn", "qrandn", "normal", "qnormal"),
    *("lognormal", "qlognormal"),
]
BLIND = Study(
    id="s",
    experiment=ExperimentKey("c", "p", "e"),
    metric="R2",
    direction=Direction.MAXIMUM,
    search_space={},
    fixed={},
    searcher=RANDOM,
    scheduler="none",
    max_trials=1,
    seed=0,
)
NUMBERS = st.integers(-(10**16), 10**16) | st.floats() | st.floats(1e-320, 1e-6) | st.floats(0, 1e4)


@given(st.sampled_from(KINDS) | ANYTHING, st.lists(ANYTHING, max_size=4) | ANYTHING)
def test_whatever_is_sent_is_a_space_or_refused(kind: object, values: object) -> None:
    with suppress(InvalidRequest):
        SearchSpace.read({"x": {"_type": kind, "_value": values}})


@given(st.sampled_from(KINDS[2:]), st.lists(NUMBERS, min_size=2, max_size=3), st.integers(0, 3))
def test_every_range_that_is_accepted_can_be_drawn_from(kind: str, values: list[float], seed: int) -> None:
    try:
        space = SearchSpace.read({"x": {"_type": kind, "_value": values}})
    except InvalidRequest:
        return

    value = space.values(draw(replace(BLIND, seed=seed), space, [], 0))["x"]

    assert math.isfinite(value)
    assert isinstance(value, int) == ("int" in kind)
    for _, example in space.dimensions["x"].examples():
        assert math.isfinite(example)
    if "norm" not in kind and "randn" not in kind:
        # Up to the last of the fifteen digits that a step is exact to.
        slack = 0.0 if "int" in kind else 1e-14 * max(abs(values[0]), abs(values[1]))
        assert values[0] - slack <= value <= values[1] + slack


DRAWN: list[tuple[str, list[Any], list[Any]]] = [
    ("choice", [None, True, 3, "SGD", [0.9, 0.99]], [False, 1, 3.0, "Adam", [0.9]]),
    ("grid_search", [1, 2], [0, 3, "1", 1.0]),
    ("uniform", [0.1, 0.5], [0.09, 0.51, "0.2", True, None, math.nan, math.inf]),
    ("quniform", [0.0, 0.5, 0.1], [0.15, 0.6, -0.1]),
    ("loguniform", [0.001, 1.0], [0.0, 1.001]),
    ("qloguniform", [1, 8, 2], [3.0, 10.0]),
    ("randint", [2, 5], [1, 5, 2.5, True]),
    ("qrandint", [16, 64, 16], [17, 80]),
    ("lograndint", [1, 4], [0, 4]),
    ("qlograndint", [4, 12, 4], [5, 16]),
    ("normal", [10.0, 2.0], [0.0, 20.0, "10"]),
    ("qnormal", [10.0, 20.0, 5.0], [7.0, 1e6]),
    ("lognormal", [1.0, 0.5], [0.0, 100.0]),
    ("qlognormal", [1.0, 0.5, 2.0], [3.0, 100.0]),
]


@pytest.mark.parametrize(("kind", "values", "others"), DRAWN, ids=[kind for kind, *_ in DRAWN])
def test_what_can_be_drawn_is_inside_and_nothing_else_is(kind: str, values: list[Any], others: list[Any]) -> None:
    dimension = SearchSpace.read({"x": {"_type": kind, "_value": values}}).dimensions["x"]
    inside = values if kind == "grid_search" else drawn(kind, values)

    assert [value for value in inside if not dimension.contains(value)] == []
    assert [value for value in others if dimension.contains(value)] == []
