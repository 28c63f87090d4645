"""Trials of a search: whether a run is one of them is judged here, and not believed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from msgspec import Meta as Limits
from msgspec import Struct

from synergos.domain.search_space import read_space
from synergos.errors import NotAllowed
from synergos.learning.families import Recipe
from synergos.tuning.search_space import SearchSpace


class Search(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the trials of a study have in common."""

    space: Annotated[Mapping[str, Any], Limits(description="what each draws its hyperparameters from, by name")]
    fixed: Annotated[
        Mapping[str, Any], Limits(description="the other hyperparameters that are not left at their defaults")
    ]


def common_to_trials(search: Search, recipe: Recipe) -> dict[str, Any]:
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
            raise NotAllowed(
                "is none that a trial of this search can have: it lies outside the search space, or is not what all trials have",
                f"hyperparameters.{name}",
            )
    usual = type(recipe.hyperparameters)().to_dict()
    return {name: value for name, value in {**usual, **search.fixed}.items() if name not in space.dimensions}
