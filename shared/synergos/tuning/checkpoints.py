"""After how many rounds trainings are compared: 1, 2, 3, 4, 6, 8, 12, 16, …, so that long ones cost no more than short ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import takewhile


def checkpoints(done: int) -> Iterator[int]:
    """The numbers of rounds up to ``done`` at which trainings are compared: powers of two, and the middles between."""
    return takewhile(lambda number: number <= done, _all())


def is_checkpoint(done: int) -> bool:
    """Whether trainings are compared after so many rounds."""
    return done in checkpoints(done)


def at_checkpoints(losses: Mapping[int, float | None], done: int) -> dict[int, float | None]:
    """The losses by the number of rounds done, at checkpoints up to ``done``.

    Args:
        losses: evaluation loss by round, counted from 0; a round that nobody evaluated is missing.
    """
    return {number: losses[number - 1] for number in checkpoints(done) if number - 1 in losses}


def _all() -> Iterator[int]:
    yield 1
    power = 2
    while True:
        yield power
        yield power * 3 // 2
        power *= 2
