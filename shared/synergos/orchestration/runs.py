"""Runs: the hyperparameters an experiment is trained with."""

from __future__ import annotations

from typing import Any

from synergos import bodies
from synergos.bodies.declarations import Run
from synergos.domain.feature_space import Action
from synergos.domain.keys import RunKey
from synergos.domain.records import Ids, Kind, restrict
from synergos.domain.trained_model import definition_of
from synergos.errors import RecordNotFound
from synergos.learning import families
from synergos.orchestration.declarations import Declarations
from synergos.records import model_versions
from synergos.records.store import Record


class Runs(Declarations[Run]):
    """The runs of experiments."""

    kind = Kind.RUN
    schema = bodies.RUN
    id_field = "run_id"
    parents = (Kind.COLLABORATION, Kind.PROJECT, Kind.EXPERIMENT)

    def checked(self, declared: Run, payload: dict[str, Any], ids: Ids) -> dict[str, Any]:
        """Refuse hyperparameters that the experiment's family cannot train with, and those that would be without effect."""
        try:
            experiment = self.store.get(Kind.EXPERIMENT, restrict(ids, Kind.EXPERIMENT))
        except RecordNotFound:
            # That it is not there is said once it is known that the rest is sound.
            experiment = {}
        family, action = families.named_in(experiment), self._action(ids)
        family.check_run(payload, action)
        for refusal in family.unused(payload, action).values():
            raise refusal
        return payload

    def _action(self, ids: Ids) -> Action | None:
        """What the project does; None where it does not say, or is not there."""
        projects = self.store.find(Kind.PROJECT, restrict(ids, Kind.PROJECT))
        said = projects[0].get("action") if projects else None
        return None if said is None else Action(said)

    def settle(self, before: Record | None, after: Record) -> None:
        """A model is shown as that of a run only as long as it is of what the run asks for."""
        if before is not None:
            run = RunKey.of(after["key"])
            model_versions.note_change(self.store, run, definition_of(self.store.get(Kind.EXPERIMENT, run), before))
