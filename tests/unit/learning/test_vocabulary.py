"""What forms are made of: it is what is taken, and it says what it means."""

from __future__ import annotations

from typing import Any

import pytest

from synergos.domain.feature_space import Action
from synergos.domain.search_space import FORMS, Distribution, read_space
from synergos.errors import InvalidRequest, UnknownName
from synergos.learning import families
from synergos.learning.algorithms import ALGORITHMS, setting_names
from synergos.learning.run_fields import ABOUT
from synergos.learning.statistics_words import statistics_of
from synergos.learning.vocabulary import Argument, Part
from synergos.orchestration.vocabulary import vocabulary
from synergos.tuning.metrics import METRICS
from synergos.tuning.search_space import SearchSpace

LAYERS = families.get("layers")
WORDS = LAYERS.vocabulary()
LINEAR: dict[str, Any] = {"is_input": True, "l_type": "Linear", "activation": ""}


def test_a_run_that_says_every_default_is_the_run_that_says_nothing() -> None:
    said = {each.name: each.default for each in WORDS.hyperparameters}

    LAYERS.check_run(said, Action.CLASSIFY)

    assert LAYERS.hyperparameters(said) == LAYERS.hyperparameters({})


@pytest.mark.parametrize("action", Action)
def test_a_loss_is_for_projects_that_can_have_it(action: Action) -> None:
    listed = [part.name for part in WORDS.roles["criterion"] if action.value in (part.actions or ())]

    can_be_had = [part.name for part in WORDS.roles["criterion"] if _goes({"criterion": part.name}, action)]
    assert listed == can_be_had


@pytest.mark.parametrize("role", ["optimizer", "criterion", "lr_scheduler"])
def test_every_argument_that_is_listed_is_taken_by_what_it_is_listed_of(role: str) -> None:
    for part in WORDS.roles[role]:
        known = LAYERS.run_fields({role: [part.name]})

        assert {f"{role}.{argument.name}" for argument in part.arguments} <= known, part.name


@pytest.mark.parametrize("part", WORDS.layers, ids=lambda part: part.name)
def test_every_layer_that_is_listed_is_known_with_its_arguments(part: Part) -> None:
    """A key that it has not is what is refused; those it has are none of them."""
    structure = {each.name: "nothing" for each in part.arguments}

    with pytest.raises(InvalidRequest) as refused:
        LAYERS.check([{**LINEAR, "l_type": part.name, "structure": {"nonsense": 1, **structure}}])

    assert refused.value.field == "model[0].structure.nonsense"
    assert not isinstance(_refusal({**LINEAR, "l_type": part.name, "structure": structure}), UnknownName)


def test_every_activation_that_is_listed_is_one() -> None:
    for name in WORDS.activations:
        LAYERS.check([{**LINEAR, "structure": {"in_features": 1, "out_features": 1}, "activation": name}])


def test_everything_that_a_run_can_say_of_itself_has_a_sentence() -> None:
    said = [*WORDS.hyperparameters, *(each for part in vocabulary().algorithms for each in part.arguments)]

    assert [each.name for each in said if not _is_sentence(each)] == []
    assert setting_names() <= ABOUT.keys()


def test_every_algorithm_is_there_with_its_settings() -> None:
    found = {part.name: {each.name for each in part.arguments} for part in vocabulary().algorithms}

    assert found == {name: set(setting_names([name])) for name in ALGORITHMS.names}


@pytest.mark.parametrize("action", Action)
def test_what_a_study_goes_by_is_a_statistic_with_the_same_direction(action: Action) -> None:
    directions = {each.name: each.direction for each in statistics_of(action) if not each.is_overall}

    for name in vocabulary().metrics[action.value]:
        assert directions[name] == METRICS[name]


def test_every_distribution_has_a_form() -> None:
    assert {form.name for form in FORMS} == set(Distribution)


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)
def test_a_search_space_takes_what_its_form_says(form: Any) -> None:
    numbers = {"low": 1, "high": 4, "step": 1, "mean": 1, "deviation": 2}
    values = [numbers[name] for name in form.values] or [1, 2]

    space = SearchSpace.of(read_space({"rounds": {"_type": form.name.value, "_value": values}}))

    assert list(space.dimensions) == ["rounds"]


def _goes(run: dict[str, Any], action: Action) -> bool:
    try:
        LAYERS.check_run(run, action)
    except InvalidRequest:
        return False
    return True


def _refusal(layer: dict[str, Any]) -> InvalidRequest | None:
    try:
        LAYERS.check([layer])
    except InvalidRequest as error:
        return error
    return None


def _is_sentence(argument: Argument) -> bool:
    said = argument.description or ""
    return said[:1].isupper() and said.endswith(".")
