"""Losses by round: as a curve asks for them, for other programs, and of several runs on one axis, as lines that a template writes as SVG."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from math import ceil, floor, isfinite, log10

from flask import Response, jsonify, request

from synergos_portal.orchestrator.jobs import Round
from synergos_portal.web.listing import Column, as_file

SHOWN_ROUNDS = 100
"""Of the table beside the curve; all of them are in the curve and in the files."""
_AT_ONCE = 10_000
"""Rounds of one answer to the curve, which asks for those after them."""
MORE = "Losses-More"
"""The header of an answer that has not all of them."""
WIDTH, HEIGHT = 760, 340
LEFT, RIGHT, TOP, BOTTOM = 64, 12, 12, 36
"""Of the picture, for what stands beside the axes."""
_TICKS = 5
_MOST_POINTS = 400
"""Of a line: more than a screen could tell apart."""


@dataclass(frozen=True)
class Curve:
    """The losses of one run.

    Attributes:
        losses: by round, in order.
    """

    name: str
    losses: Mapping[int, float]

    @property
    def last(self) -> float | None:
        """The loss of the last round."""
        return next(reversed(list(self.losses.values())), None)

    @property
    def least(self) -> tuple[int, float] | None:
        """The round with the smallest loss, and that loss."""
        return min(self.losses.items(), key=lambda each: each[1], default=None)


@dataclass(frozen=True)
class Tick:
    """A place on an axis."""

    at: float
    text: str


@dataclass(frozen=True)
class Drawing:
    """What a template writes: everything in the picture's own units.

    Attributes:
        lines: the points of each curve's line, in the order of the curves; empty of one that has none.
    """

    lines: tuple[str, ...]
    rounds: tuple[Tick, ...]
    losses: tuple[Tick, ...]

    @classmethod
    def of(cls, curves: Sequence[Curve], *, is_logarithmic: bool = False) -> Drawing | None:
        """Draw them; None where there is nothing to be drawn.

        Args:
            is_logarithmic: the axis of losses; losses of 0 and below have no place there.
        """
        shown = [
            {each: loss for each, loss in curve.losses.items() if isfinite(loss) and (loss > 0 or not is_logarithmic)}
            for curve in curves
        ]
        everything = [loss for losses in shown for loss in losses.values()]
        if not everything:
            return None
        last = max(max(losses) for losses in shown if losses)
        low, high, ticks = _scale(min(everything), max(everything), is_logarithmic)

        def x(number: float) -> float:
            return LEFT + (WIDTH - LEFT - RIGHT) * (number / last if last else 0.5)

        def y(loss: float) -> float:
            value = log10(loss) if is_logarithmic else loss
            return TOP + (HEIGHT - TOP - BOTTOM) * (1 - (value - low) / (high - low))

        return cls(
            tuple(
                " ".join(f"{x(each):.1f},{y(losses[each]):.1f}" for each in _thinned(list(losses))) for losses in shown
            ),
            tuple(Tick(x(number), str(number)) for number in _whole(last)),
            tuple(Tick(y(tick), f"{tick:.4g}") for tick in ticks),
        )


def _scale(least: float, most: float, is_logarithmic: bool) -> tuple[float, float, list[float]]:
    """From where to where an axis goes, and the values that are named on it."""
    if is_logarithmic:
        lowest, highest = floor(log10(least)), ceil(log10(most))
        highest = max(highest, lowest + 1)
        powers = range(lowest, highest + 1, max(1, ceil((highest - lowest) / _TICKS)))
        return lowest, highest, [10.0**power for power in powers]
    if most == least:
        least, most = least - (abs(least) or 1) / 2, most + (abs(most) or 1) / 2
    step = _round_step((most - least) / _TICKS)
    low, high = floor(least / step) * step, ceil(most / step) * step
    return low, high, [low + step * each for each in range(round((high - low) / step) + 1)]


def _round_step(step: float) -> float:
    """The next of 1, 2 and 5 times a power of ten."""
    power: float = 10.0 ** floor(log10(step))
    return next(power * each for each in (1, 2, 5, 10) if power * each >= step * (1 - 1e-9))


def _whole(last: int) -> list[int]:
    """Rounds that are named below the axis."""
    step = max(1, int(_round_step(max(last, 1) / _TICKS)))
    return list(range(0, last + 1, step))


def _thinned(rounds: Sequence[int]) -> Sequence[int]:
    """So many of them, the first and the last always."""
    if len(rounds) <= _MOST_POINTS:
        return rounds
    step = (len(rounds) - 1) / (_MOST_POINTS - 1)
    return [rounds[round(each * step)] for each in range(_MOST_POINTS)]


COLUMNS = tuple(
    Column[Round](name, lambda lost, name=name: getattr(lost, name))  # type: ignore[misc]
    for name in ("round", "attempt", "at", "train", "evaluate", "participants")
)


def wanted_after() -> int:
    """After which round the curve has them."""
    after = request.args.get("after", "0")
    return int(after) if re.fullmatch(r"[0-9]{1,9}", after) else 0


def as_curve(rounds: Iterable[Round]) -> Response:
    """Rounds as the chart reads them."""
    found = list(islice(rounds, _AT_ONCE))
    answer = jsonify([[each.round, each.train, each.evaluate, dict(each.participants)] for each in found])
    answer.headers["Cache-Control"] = "no-store"
    if len(found) == _AT_ONCE:
        answer.headers[MORE] = "yes"
    return answer


def as_table(rounds: Iterable[Round], name: str) -> Response:
    """All of them as CSV, or with ``?format=json`` as JSON.

    Args:
        name: of the file, without what its kind adds.
    """
    kind = "json" if request.args.get("format") == "json" else "csv"
    return as_file(kind, iter(rounds), COLUMNS, name)
