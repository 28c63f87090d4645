"""Trials of a search: whether a run is one of them is judged here, and not believed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any

from msgspec import Meta as Limits
from msgspec import Struct

from synergos.domain.search_space import read_space
from synergos.errors import InvalidRequest, NotAllowed
from synergos.learning.families import Architecture, Recipe
from synergos.tuning.search_space import SearchSpace

_OUTSIDE = (
    "is none that a trial of this search can have: it lies outside the search space, or is not what all trials have"
)


class Search(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the trials of a study have in common."""

    space: Annotated[Mapping[str, Any], Limits(description="what each draws its hyperparameters from, by name")]
    fixed: Annotated[
        Mapping[str, Any], Limits(description="the other hyperparameters that are not left at their defaults")
    ]
    model: Annotated[
        Annotated[list[dict[str, Any]], Limits(min_length=1)] | None,
        Limits(description="the model's parts as they were declared, where parts of it are searched"),
    ] = None


def is_of_model(search: Search, recipe: Recipe) -> bool:
    """Whether parts of the model are searched."""
    return bool(recipe.family.changes(search.space))


def model_of_trials(search: Search, recipe: Recipe) -> Architecture:
    """The model that all trials of a search begin with, provided that a run's is what its hyperparameters make of that.

    It is made anew, as a trial's is: with what the run has drawn of it, and sizes after that fitted to the feature space.

    Args:
        recipe: its hyperparameters are a trial's, see :func:`common_to_trials`.

    Raises:
        InvalidRequest: there is no such model.
        NotAllowed: no trial with these hyperparameters has the run's model.
    """
    if not is_of_model(search, recipe):
        return recipe.architecture
    if search.model is None:
        raise InvalidRequest("is required: parts of the model are searched", "search.model")
    family, own = recipe.family, _written(recipe.architecture)
    changed = family.changed(family.check(search.model, "search.model"), recipe.hyperparameters.to_dict())
    if own != _written(changed) and own != _written(family.fit(changed, recipe.space)):
        raise NotAllowed(_OUTSIDE, "architecture")
    return search.model


def common_to_trials(search: Search, recipe: Recipe) -> dict[str, object]:
    """The hyperparameters that a run has in common with all trials of a search, provided that it is one of them.

    It is made anew from what is fixed and what it has drawn, as a trial is; what has no effect beside the rest is left out.

    Raises:
        InvalidRequest: there is no such search space, or no such run.
        NotAllowed: the run is none of the trials; names the hyperparameter.
    """
    space = SearchSpace.of(read_space(search.space, "search.space"))
    given = recipe.hyperparameters.to_dict()
    drawn = {}
    for name, dimension in space.dimensions.items():
        example = next(value for _, value in dimension.examples())
        # Without effect it is at its default, whatever was drawn; with one, another value is told apart below.
        drawn[name] = given[name] if name in given and dimension.contains(given[name]) else example
    run = {**search.fixed, **drawn}
    without = recipe.family.unused(run, recipe.space.action)
    made = {name: value for name, value in run.items() if name not in without}
    trial = recipe.family.hyperparameters(made, recipe.space.action).to_dict()
    for name in sorted(given.keys() | trial.keys()):
        if name not in given or name not in trial or given[name] != trial[name]:
            raise NotAllowed(_OUTSIDE, f"hyperparameters.{name}")
    usual = type(recipe.hyperparameters)().to_dict()
    return {name: value for name, value in {**usual, **search.fixed}.items() if name not in space.dimensions}


def _written(architecture: Architecture) -> str:
    # 1, 1.0 and True are the same to Python, and not to a layer.
    return json.dumps(list(architecture), sort_keys=True)
