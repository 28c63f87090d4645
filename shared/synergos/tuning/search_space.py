"""The search space of a study: by hyperparameter ``{"_type": <how>, "_value": [<from what>]}``, as Ray Tune and NNI write it."""

from __future__ import annotations

import math
import random
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, TypeGuard

from synergos.domain.search_space import DescribedSpace, Distribution, read_space
from synergos.errors import InvalidRequest

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

MAXIMUM_VALUES = 1000
"""Of one choice, and combinations of a grid."""
_LARGEST = 1e15
_FIELD = "search_space"
_SMALLEST_STEP = 1e-15
_EDGE = 1e-6  # of the probabilities that a normal distribution is drawn by


@dataclass(frozen=True)
class Choice:
    """One of several values.

    Attributes:
        is_grid: every value is tried, in combination with those of the other grids.
    """

    values: tuple[Any, ...]
    is_grid: bool = False

    def distribution(self) -> BaseDistribution:
        """The values' positions: a value may be a list, which no sampler takes."""
        from optuna.distributions import CategoricalDistribution

        return CategoricalDistribution(range(len(self.values)))

    def value(self, drawn: Any) -> Any:
        """What stands at a position."""
        return self.values[drawn]

    def contains(self, value: object) -> bool:
        """Whether a value can be drawn."""
        return any(type(each) is type(value) and each == value for each in self.values)

    def examples(self) -> Iterator[tuple[str, Any]]:
        """All values, each with its place below the dimension."""
        for index, value in enumerate(self.values):
            yield f"_value[{index}]", value


@dataclass(frozen=True)
class Real:
    """A number between two others, both included; with a ``step`` a multiple of it."""

    low: float
    high: float
    log: bool = False
    step: float | None = None

    def distribution(self) -> BaseDistribution:
        """Logarithmic steps are rounded after the draw: Optuna has no such distribution."""
        from optuna.distributions import FloatDistribution

        return FloatDistribution(self.low, self.high, log=self.log, step=None if self.log else self.step)

    def value(self, drawn: Any) -> float:
        """The number, on its step."""
        return float(drawn) if self.step is None else _rounded(drawn, self.step, self.low, self.high)

    def contains(self, value: object) -> bool:
        """Whether a value can be drawn."""
        return _is_number(value) and self.low <= value <= self.high and self.value(value) == value

    def examples(self) -> Iterator[tuple[str, Any]]:
        """Both ends."""
        yield "_value[0]", self.value(self.low)
        yield "_value[1]", self.value(self.high)


@dataclass(frozen=True)
class Whole:
    """A whole number between two others, both included; with a ``step`` a multiple of it."""

    low: int
    high: int
    log: bool = False
    step: int = 1

    def distribution(self) -> BaseDistribution:
        """Logarithmic steps are rounded after the draw."""
        from optuna.distributions import IntDistribution

        return IntDistribution(self.low, self.high, log=self.log, step=1 if self.log else self.step)

    def value(self, drawn: Any) -> int:
        """The number, on its step."""
        number = round(drawn / self.step) * self.step
        return int(min(max(number, self.low), self.high))

    def contains(self, value: object) -> bool:
        """Whether a value can be drawn."""
        return _is_number(value) and self.low <= value <= self.high and self.value(value) == value

    def examples(self) -> Iterator[tuple[str, Any]]:
        """Both ends."""
        yield "_value[0]", self.low
        yield "_value[1]", self.high


@dataclass(frozen=True)
class Normal:
    """A normally distributed number; with ``log`` its logarithm is."""

    mean: float
    deviation: float
    log: bool = False
    step: float | None = None

    def distribution(self) -> BaseDistribution:
        """The probability of a smaller number: Optuna has no normal distribution."""
        from optuna.distributions import FloatDistribution

        return FloatDistribution(_EDGE, 1 - _EDGE)

    def value(self, drawn: Any) -> float:
        """The number with that probability of a smaller one."""
        number = NormalDist(self.mean, self.deviation).inv_cdf(float(drawn))
        number = math.exp(min(number, math.log(_LARGEST))) if self.log else number
        return number if self.step is None else _rounded(number, self.step, -_LARGEST, _LARGEST)

    def contains(self, value: object) -> bool:
        """Whether a value can be drawn."""
        if not _is_number(value) or not self.value(_EDGE) <= value <= self.value(1 - _EDGE):
            return False
        return self.step is None or _rounded(value, self.step, -_LARGEST, _LARGEST) == value

    def examples(self) -> Iterator[tuple[str, Any]]:
        """The number in the middle."""
        yield "_value", self.value(0.5)


Dimension = Choice | Real | Whole | Normal


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
        return cls(
            {
                name: _KINDS[each.distribution](each.values, f"{_FIELD}.{name}._value")
                for name, each in described.items()
            }
        )

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

    def on_grid(self, number: int, seed: int) -> dict[str, Any]:
        """What trial ``number`` takes from the grids: all combinations come in turn, in an order of the ``seed``'s."""
        names = [name for name, _ in self._grids]
        combinations = list(product(*(range(len(each.values)) for _, each in self._grids)))
        random.Random(seed).shuffle(combinations)  # noqa: S311 (an order, no secret)
        return dict(zip(names, combinations[number % len(combinations)], strict=True))

    def values(self, drawn: Mapping[str, Any]) -> dict[str, Any]:
        """The hyperparameters that a draw stands for."""
        return {name: self.dimensions[name].value(raw) for name, raw in drawn.items()}

    @property
    def _grids(self) -> list[tuple[str, Choice]]:
        return [(name, each) for name, each in self.dimensions.items() if isinstance(each, Choice) and each.is_grid]


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _rounded(number: float, step: float, low: float, high: float) -> float:
    """The multiple of ``step`` next to ``number``, without the noise of binary fractions, within bounds."""
    return float(f"{min(max(round(number / step) * step, low), high):.15g}")


def _choice(is_grid: bool) -> Callable[[Sequence[Any], str], Choice]:
    def made(values: Sequence[Any], place: str) -> Choice:
        if not 1 <= len(values) <= MAXIMUM_VALUES:
            raise InvalidRequest(f"expected 1 to {MAXIMUM_VALUES:,} values, got {len(values)}", place)
        for index, value in enumerate(values):
            if isinstance(value, Mapping):
                raise InvalidRequest(
                    "a choice between search spaces is not supported; expected a plain value. "
                    "Search each of them in a study of its own",
                    f"{place}[{index}]",
                )
        return Choice(tuple(values), is_grid)

    return made


def _real(*, log: bool = False, stepped: bool = False) -> Callable[[Sequence[Any], str], Real]:
    def made(values: Sequence[Any], place: str) -> Real:
        low, high, step = _bounds(values, place, stepped)
        if log and low <= 0:
            raise InvalidRequest(f"expected more than 0 for a logarithmic range, got {low:g}", f"{place}[0]")
        return Real(*_on_steps(low, high, step, place), log, step)

    return made


def _whole(
    *, log: bool = False, stepped: bool = False, includes_end: bool = False
) -> Callable[[Sequence[Any], str], Whole]:
    def made(values: Sequence[Any], place: str) -> Whole:
        for index, value in enumerate(values):
            if isinstance(value, float) and not value.is_integer():
                raise InvalidRequest(f"expected a whole number, got {value:g}", f"{place}[{index}]")
        low, end, step = _bounds(values, place, stepped)
        high = end if includes_end else end - 1
        if high < low:
            raise InvalidRequest(f"expected more than {low:g}: the end of the range is not drawn", f"{place}[1]")
        if log and low < 1:
            raise InvalidRequest(f"expected 1 or more for a logarithmic range, got {low:g}", f"{place}[0]")
        size = int(step or 1)
        # Not the steps of real numbers, which are exact to fifteen digits only.
        first, last = -(-int(low) // size) * size, int(high) // size * size
        if last < first:
            raise _no_multiple(low, high, size, place)
        return Whole(first, last, log, size)

    return made


def _normal(*, log: bool = False, stepped: bool = False) -> Callable[[Sequence[Any], str], Normal]:
    def made(values: Sequence[Any], place: str) -> Normal:
        mean, deviation, *steps = _numbers(values, place, 3 if stepped else 2)
        if deviation <= 0:
            raise InvalidRequest(f"expected a standard deviation of more than 0, got {deviation:g}", f"{place}[1]")
        if log and mean > math.log(_LARGEST):
            raise InvalidRequest(
                f"expected the mean of the number's logarithm, at most {math.log(_LARGEST):.3g}, got {mean:g}",
                f"{place}[0]",
            )
        return Normal(mean, deviation, log, _step(steps, place))

    return made


def _bounds(values: Sequence[Any], place: str, stepped: bool) -> tuple[float, float, float | None]:
    low, high, *steps = _numbers(values, place, 3 if stepped else 2)
    if high < low:
        raise InvalidRequest(f"expected at least {low:g}, the start of the range, got {high:g}", f"{place}[1]")
    return low, high, _step(steps, place)


def _step(steps: Sequence[float], place: str) -> float | None:
    if steps and steps[0] <= 0:
        raise InvalidRequest(f"expected a step of more than 0, got {steps[0]:g}", f"{place}[2]")
    if steps and steps[0] < _SMALLEST_STEP:
        raise InvalidRequest(f"expected a step of at least {_SMALLEST_STEP:g}, got {steps[0]:g}", f"{place}[2]")
    return steps[0] if steps else None


def _on_steps(low: float, high: float, step: float | None, place: str) -> tuple[float, float]:
    """The first and the last multiple of ``step`` in a range."""
    if step is None:
        return low, high
    # What a division may be off by. Relative: a range that begins near 0 begins with a step, as 0 has no logarithm.
    tolerance = 4 * sys.float_info.epsilon
    first = math.ceil(low / step - abs(low / step) * tolerance) * step
    last = math.floor(high / step + abs(high / step) * tolerance) * step
    if last < first:
        raise _no_multiple(low, high, step, place)
    return float(f"{first:.15g}"), float(f"{last:.15g}")


def _no_multiple(low: float, high: float, step: float, place: str) -> InvalidRequest:
    return InvalidRequest(f"no multiple of {step:g} lies between {low:g} and {high:g}", place)


def _numbers(values: Sequence[Any], place: str, count: int) -> list[float]:
    if len(values) != count:
        raise InvalidRequest(f"expected {count} numbers, got {len(values)}", place)
    for index, value in enumerate(values):
        if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= _LARGEST:
            shown = type(value).__name__ if not isinstance(value, int | float) else f"{value!r:.40}"
            raise InvalidRequest(f"expected a number, got {shown}", f"{place}[{index}]")
    return list(values)


_KINDS: Mapping[Distribution, Callable[[Sequence[Any], str], Dimension]] = {
    Distribution.CHOICE: _choice(is_grid=False),
    Distribution.GRID_SEARCH: _choice(is_grid=True),
    Distribution.UNIFORM: _real(),
    Distribution.QUNIFORM: _real(stepped=True),
    Distribution.LOGUNIFORM: _real(log=True),
    Distribution.QLOGUNIFORM: _real(log=True, stepped=True),
    Distribution.RANDINT: _whole(),
    Distribution.QRANDINT: _whole(stepped=True, includes_end=True),
    Distribution.LOGRANDINT: _whole(log=True),
    Distribution.QLOGRANDINT: _whole(log=True, stepped=True, includes_end=True),
    Distribution.RANDN: _normal(),
    Distribution.QRANDN: _normal(stepped=True),
    Distribution.NORMAL: _normal(),
    Distribution.QNORMAL: _normal(stepped=True),
    Distribution.LOGNORMAL: _normal(log=True),
    Distribution.QLOGNORMAL: _normal(log=True, stepped=True),
}
