"""Participants: the organisations, whatever they take part in."""

from __future__ import annotations

from synergos.domain.records import Kind
from synergos.orchestration import schemas
from synergos.orchestration.declarations import Declarations
from synergos.orchestration.schemas.declarations import Participant


class Participants(Declarations[Participant]):
    """The participants; they belong to no collaboration."""

    kind = Kind.PARTICIPANT
    schema = schemas.PARTICIPANT
    id_field = "id"
