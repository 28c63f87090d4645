"""Participants: the organisations, whatever they take part in."""

from __future__ import annotations

from synergos import bodies
from synergos.bodies.declarations import Participant
from synergos.domain.records import Kind
from synergos.orchestration.declarations import Declarations


class Participants(Declarations[Participant]):
    """The participants; they belong to no collaboration."""

    kind = Kind.PARTICIPANT
    schema = bodies.PARTICIPANT
    id_field = "id"
