"""The dimensions of a search space: between which values a hyperparameter is drawn, and how evenly."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, TypeGuard

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

LARGEST = 1e15
"""How far from 0 a number may be that is drawn."""
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
        number = math.exp(min(number, math.log(LARGEST))) if self.log else number
        return number if self.step is None else _rounded(number, self.step, -LARGEST, LARGEST)

    def contains(self, value: object) -> bool:
        """Whether a value can be drawn."""
        if not _is_number(value) or not self.value(_EDGE) <= value <= self.value(1 - _EDGE):
            return False
        return self.step is None or _rounded(value, self.step, -LARGEST, LARGEST) == value

    def examples(self) -> Iterator[tuple[str, Any]]:
        """The number in the middle."""
        yield "_value", self.value(0.5)


Dimension = Choice | Real | Whole | Normal


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _rounded(number: float, step: float, low: float, high: float) -> float:
    """The multiple of ``step`` next to ``number``, without the noise of binary fractions, within bounds."""
    return float(f"{min(max(round(number / step) * step, low), high):.15g}")
