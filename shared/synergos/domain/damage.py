"""What the record store has and nobody can read: shown as such, and in nobody else's way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from synergos.errors import DamagedRecord

DAMAGED = "damaged"
"""The field of an answer that says what is wrong with a record that cannot be shown."""
UNREADABLE = "what is stored of it cannot be read"


@dataclass(frozen=True)
class Damaged:
    """A job, a study or a trial that cannot be read.

    Attributes:
        kind: of what.
        keys: the ids it is stored under.
        told: what else its columns say, in words.
    """

    kind: str
    id: str
    keys: Mapping[str, str]
    told: Mapping[str, str | None] = field(default_factory=dict)

    @property
    def error(self) -> DamagedRecord:
        """What whoever needs it is told."""
        return DamagedRecord(f"{self.kind} {self.id!r}")


class DamagedPayload(dict[str, Any]):
    """A record without what was declared: it can be shown and deleted, and whoever needs more of it is told what is wrong."""

    def __missing__(self, name: str) -> Any:
        """Refuse.

        Raises:
            DamagedRecord: always.
        """
        ids = ", ".join(f"{field}={value!r}" for field, value in self["key"].items())
        raise DamagedRecord(f"{self['kind']} with {ids}")
