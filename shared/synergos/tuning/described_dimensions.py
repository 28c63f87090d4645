"""A dimension as a request describes it, and what is wrong with one that cannot be drawn from."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from synergos.domain.search_space import DescribedDimension, Distribution
from synergos.errors import InvalidRequest
from synergos.tuning.dimensions import LARGEST, Choice, Dimension, Normal, Real, Whole

MAXIMUM_VALUES = 1000
"""Of one choice, and combinations of a grid."""
_SMALLEST_STEP = 1e-15


def dimension_of(described: DescribedDimension, field: str) -> Dimension:
    """What a request describes.

    Args:
        field: the dimension, for errors.

    Raises:
        InvalidRequest: names what of it cannot be, and what was expected.
    """
    return _MADE[described.distribution](described.values, f"{field}._value")


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
        if log and mean > math.log(LARGEST):
            raise InvalidRequest(
                f"expected the mean of the number's logarithm, at most {math.log(LARGEST):.3g}, got {mean:g}",
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
        if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= LARGEST:
            shown = type(value).__name__ if not isinstance(value, int | float) else f"{value!r:.40}"
            raise InvalidRequest(f"expected a number, got {shown}", f"{place}[{index}]")
    return list(values)


_MADE: Mapping[Distribution, Callable[[Sequence[Any], str], Dimension]] = {
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
