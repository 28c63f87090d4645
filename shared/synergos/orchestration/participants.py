"""Participants: the organisations, whatever they take part in."""

from __future__ import annotations

from synergos.domain.records import Kind
from synergos.orchestration import schemas
from synergos.orchestration.declarations import Declarations


class Participants(Declarations):
    """The participants; they belong to no collaboration."""

    kind = Kind.PARTICIPANT
    schema = schemas.PARTICIPANT
    id_field = "id"
