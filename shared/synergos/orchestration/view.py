"""A record as somebody reads it: with what hangs under it, and with what it hangs under."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from synergos.domain.records import Kind, Record


class Relations(StrEnum):
    """How much is wanted of what hangs under a record."""

    FULL = "full"
    COUNTS = "counts"
    NONE = "none"


@dataclass(frozen=True)
class View:
    """One record, and what was asked for around it.

    Attributes:
        relations: what hangs under it, by kind; None for a kind that nothing hangs under. It may be much, and is read piece by
            piece: once, in its order, and before the relations of the next view that came with this one.
        counts: how many of each kind hang under it, where that is asked for instead.
        parents: what is shown of what it hangs under, for a kind that repeats what its parents say.
        warnings: what whoever declared it should know, though nothing was refused.
    """

    record: Record
    relations: Mapping[str, Iterable[Record]] | None = None
    counts: Mapping[str, int] | None = None
    parents: Mapping[Kind, Record] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
