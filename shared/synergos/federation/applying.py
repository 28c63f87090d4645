"""Declaring what a project file says, record after record: what is done is told as it is done."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from synergos.driver import Driver
from synergos.federation.comparison import Comparison, Standing
from synergos.federation.declared import Declared


class Deed(StrEnum):
    """What became of a record."""

    CREATED = "created"
    CHANGED = "changed"
    LEFT = "unchanged"
    DELETED = "deleted"
    ABSENT = "not there"
    STAYS = "stays"
    FAILED = "failed"
    NOT_DONE = "not done"


@dataclass(frozen=True)
class Done:
    """What became of one record of the file, and why or what of it."""

    declared: Declared
    deed: Deed
    notes: tuple[str, ...] = ()

    @property
    def is_change(self) -> bool:
        """Whether the orchestrator is another than before."""
        return self.deed in {Deed.CREATED, Deed.CHANGED, Deed.DELETED}


def apply(driver: Driver, comparisons: Sequence[Comparison]) -> Iterator[Done]:
    """Create what is missing and change what differs, in order; each is told when it is done.

    Args:
        driver: it raises errors.

    Raises:
        DriverError: the next one could not be done; what was told before is done, and nothing else.
    """
    for comparison in comparisons:
        yield _apply(driver, comparison)


def _apply(driver: Driver, comparison: Comparison) -> Done:
    declared, differences = comparison.declared, tuple(map(str, comparison.differences))
    match comparison.standing:
        case Standing.SAME:
            return Done(declared, Deed.LEFT)
        case Standing.MISSING:
            return Done(declared, Deed.CREATED, _warnings(declared.create(driver)))
        case Standing.REPLACED:
            return Done(declared, Deed.CHANGED, (*differences, *_warnings(declared.create(driver))))
        case Standing.DIFFERENT:
            return Done(declared, Deed.CHANGED, (*differences, *_warnings(declared.change(driver))))


def _warnings(answer: dict[str, Any]) -> tuple[str, ...]:
    return tuple(map(str, answer.get("warnings", ())))
