"""Runs: the hyperparameters an experiment is trained with."""

from __future__ import annotations

from synergos import bodies
from synergos.bodies.declarations import Run
from synergos.domain.keys import RunKey
from synergos.domain.records import Ids, Kind, Record, restrict
from synergos.domain.trained_model import definition_of
from synergos.errors import RecordNotFound
from synergos.orchestration.declarations import Declarations
from synergos.orchestration.run_check import action_said, check_run
from synergos.records import model_versions


class Runs(Declarations[Run]):
    """The runs of experiments."""

    kind = Kind.RUN
    schema = bodies.RUN
    id_field = "run_id"
    parents = (Kind.COLLABORATION, Kind.PROJECT, Kind.EXPERIMENT)

    def checked(self, declared: Run, payload: dict[str, object], ids: Ids) -> dict[str, object]:
        """Refuse hyperparameters that the experiment's family cannot train with, and those that would be without effect."""
        try:
            experiment = self.store.get(Kind.EXPERIMENT, restrict(ids, Kind.EXPERIMENT))
        except RecordNotFound:
            # That it is not there is said once it is known that the rest is sound.
            experiment = {}
        check_run(experiment, payload, action_said(self.store, ids))
        return payload

    def after_change(self, before: Record | None, after: Record) -> None:
        """A model is shown as that of a run only as long as it is of what the run asks for."""
        if before is not None:
            run = RunKey.of(after["key"])
            model_versions.note_change(self.store, run, definition_of(self.store.get(Kind.EXPERIMENT, run), before))
