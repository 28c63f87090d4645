"""Participants: the organisations, whatever they take part in."""

from __future__ import annotations

from synergos import bodies
from synergos.bodies.declarations import Participant
from synergos.domain.keys import RegistrationKey
from synergos.domain.records import Kind, Record
from synergos.orchestration.alignment_invalidation import invalidate_without
from synergos.orchestration.declarations import Declarations


class Participants(Declarations[Participant]):
    """The participants; they belong to no collaboration."""

    kind = Kind.PARTICIPANT
    schema = bodies.PARTICIPANT
    id_field = "id"

    def release(self, record: Record) -> None:
        """Nobody goes on in what was agreed with somebody who has left."""
        for registration in self.store.find(Kind.REGISTRATION, record["key"]):
            invalidate_without(self.store, RegistrationKey.of(registration["key"]))
