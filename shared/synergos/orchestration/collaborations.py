"""Collaborations: who works together, and where their logger, MLOps and queue are."""

from __future__ import annotations

from synergos import bodies
from synergos.bodies.declarations import Collaboration
from synergos.domain.records import Kind
from synergos.orchestration.declarations import Declarations


class Collaborations(Declarations[Collaboration]):
    """The outermost records; everything but participants lies in one."""

    kind = Kind.COLLABORATION
    schema = bodies.COLLABORATION
    id_field = "collab_id"
