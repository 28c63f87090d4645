"""Participants: the organisations, whatever they take part in."""

from __future__ import annotations

from synergos.domain.records import Kind
from synergos.rest import schemas
from synergos.rest.declarations import Declarations


class Participants(Declarations):
    """The participants; they belong to no collaboration."""

    kind = Kind.PARTICIPANT
    singular = "participant"
    plural = "participants"
    schema = schemas.PARTICIPANT
    id_field = "id"
