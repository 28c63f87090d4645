"""The search space of a study: by hyperparameter ``{"_type": <how>, "_value": [<from what>]}``, as Ray Tune and NNI write it."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

from synergos.domain.search_space import DescribedSpace, read_space
from synergos.errors import InvalidRequest
from synergos.tuning.described_dimensions import MAXIMUM_VALUES, dimension_of
from synergos.tuning.dimensions import Choice, Dimension

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

_FIELD = "search_space"


@dataclass(frozen=True)
class SearchSpace:
    """The dimensions of a study, by hyperparameter; raises :class:`InvalidRequest` where there are none, or too many values."""

    dimensions: Mapping[str, Dimension]

    def __post_init__(self) -> None:
        if not self.dimensions:
            raise InvalidRequest("expected at least one hyperparameter to search", _FIELD)
        if self.grid_size > MAXIMUM_VALUES:
            raise InvalidRequest(f"expected a grid of at most {MAXIMUM_VALUES:,} combinations", _FIELD)

    @classmethod
    def of(cls, described: DescribedSpace) -> SearchSpace:
        """The space that a request describes.

        Raises:
            InvalidRequest: names the dimension, and what was expected.
        """
        return cls({name: dimension_of(each, f"{_FIELD}.{name}") for name, each in described.items()})

    @classmethod
    def read(cls, value: object) -> SearchSpace:
        """The space that a value of JSON describes; raises what :meth:`of` does."""
        return cls.of(read_space(value, _FIELD))

    @property
    def grid_size(self) -> int:
        """How many combinations the dimensions have that are tried value by value; 1 without such."""
        return math.prod(len(each.values) for _, each in self._grids)

    @property
    def is_grid(self) -> bool:
        """Whether nothing is drawn at random, so that after ``grid_size`` trials everything has been tried."""
        return len(self._grids) == len(self.dimensions)

    def as_grid(self) -> SearchSpace:
        """The same with all choices tried value by value.

        Raises:
            InvalidRequest: a dimension is no choice.
        """
        grids = {}
        for name, each in self.dimensions.items():
            if not isinstance(each, Choice):
                raise InvalidRequest(
                    "a grid search needs values to choose from, expected _type 'choice' or 'grid_search'",
                    f"{_FIELD}.{name}._type",
                )
            grids[name] = Choice(each.values, is_grid=True)
        return SearchSpace(grids)

    def distributions(self, *, with_grids: bool = False) -> dict[str, BaseDistribution]:
        """What a sampler draws from; what is tried value by value it does not draw."""
        grids = {} if with_grids else dict(self._grids)
        return {name: each.distribution() for name, each in self.dimensions.items() if name not in grids}

    def on_grid(self, number: int, seed: int) -> dict[str, int]:
        """What trial ``number`` takes from the grids: all combinations come in turn, in an order of the ``seed``'s."""
        names = [name for name, _ in self._grids]
        combinations = list(product(*(range(len(each.values)) for _, each in self._grids)))
        random.Random(seed).shuffle(combinations)  # noqa: S311 (an order, no secret)
        return dict(zip(names, combinations[number % len(combinations)], strict=True))

    def values(self, drawn: Mapping[str, object]) -> dict[str, Any]:
        """The hyperparameters that a draw stands for."""
        return {name: self.dimensions[name].value(raw) for name, raw in drawn.items()}

    @property
    def _grids(self) -> list[tuple[str, Choice]]:
        return [(name, each) for name, each in self.dimensions.items() if isinstance(each, Choice) and each.is_grid]
