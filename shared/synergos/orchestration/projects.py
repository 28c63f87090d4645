"""Projects: one question put to the participants' data."""

from __future__ import annotations

from synergos import bodies
from synergos.bodies.declarations import Project
from synergos.domain.records import Kind
from synergos.orchestration.alignment_invalidation import invalidate_alignment
from synergos.orchestration.declarations import Declarations
from synergos.records.store import Record


class Projects(Declarations[Project]):
    """The projects of collaborations."""

    kind = Kind.PROJECT
    schema = bodies.PROJECT
    id_field = "project_id"
    parents = (Kind.COLLABORATION,)

    def settle(self, before: Record | None, after: Record) -> None:
        """Labels to classify and numbers to regress make different feature spaces."""
        if before is not None and before.get("action") != after.get("action"):
            invalidate_alignment(self.store, after["key"], "its action was changed")
