"""Projects: one question put to the participants' data."""

from __future__ import annotations

from collections.abc import Iterable

from synergos import bodies
from synergos.bodies.declarations import Project
from synergos.domain.keys import ProjectKey, RunKey
from synergos.domain.records import Kind, Record
from synergos.domain.trained_model import definition_of
from synergos.orchestration.alignment_invalidation import invalidate_alignment
from synergos.orchestration.declarations import Declarations
from synergos.orchestration.run_check import unfit
from synergos.records import model_versions


class Projects(Declarations[Project]):
    """The projects of collaborations."""

    kind = Kind.PROJECT
    schema = bodies.PROJECT
    id_field = "project_id"
    parents = (Kind.COLLABORATION,)

    def notes(self, after: Record) -> Iterable[str]:
        """The runs that do not go with it; nothing is refused, as a run can only be changed to what its project does by now."""
        return unfit(self.store, ProjectKey.of(after["key"]))

    def after_change(self, before: Record | None, after: Record) -> None:
        """Labels to classify and numbers to regress make different feature spaces, and different models."""
        if before is not None and before.get("action") != after.get("action"):
            for model in self.store.find(Kind.MODEL, after["key"]):
                run = RunKey.of(model["key"])
                asked = definition_of(self.store.get(Kind.EXPERIMENT, run), self.store.get(Kind.RUN, run))
                model_versions.note_change(self.store, run, asked)
            invalidate_alignment(self.store, after["key"], "its action was changed")
