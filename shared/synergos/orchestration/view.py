"""A record as somebody reads it: with what hangs under it, and with what it hangs under."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from synergos.domain.records import Kind
from synergos.records.store import Record


@dataclass(frozen=True)
class View:
    """One record, and what was asked for around it.

    Attributes:
        relations: what hangs under it, by kind; None for a kind that nothing hangs under.
        parents: what it hangs under, for a kind that repeats what its parents say.
        warnings: what whoever declared it should know, though nothing was refused.
    """

    record: Record
    relations: Mapping[str, Sequence[Record]] | None = None
    parents: Mapping[Kind, Record] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
