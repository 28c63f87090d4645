"""Collaborations: who works together, and where their logger, MLOps and queue are."""

from __future__ import annotations

from synergos.domain.records import Kind
from synergos.orchestration import schemas
from synergos.orchestration.declarations import Declarations
from synergos.orchestration.schemas.declarations import Collaboration


class Collaborations(Declarations[Collaboration]):
    """The outermost records; everything but participants lies in one."""

    kind = Kind.COLLABORATION
    schema = schemas.COLLABORATION
    id_field = "collab_id"
