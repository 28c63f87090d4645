"""What kinds of things are wrong with updates; a module of its own for those who tell of it and compute nothing."""

from __future__ import annotations

from enum import StrEnum


class Fault(StrEnum):
    """What kind of thing is wrong with an update that is refused."""

    ROWS = "rows"
    NOT_FINITE = "not_finite"
    LOSS = "loss"
    TOO_FAR = "too_far"
