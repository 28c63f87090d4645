"""Runs: the hyperparameters an experiment is trained with."""

from __future__ import annotations

from typing import Any

from synergos.domain.records import Ids, Kind, restrict
from synergos.errors import RecordNotFound
from synergos.learning import families
from synergos.orchestration import schemas
from synergos.orchestration.declarations import Declarations
from synergos.orchestration.schemas.declarations import Run


class Runs(Declarations[Run]):
    """The runs of experiments."""

    kind = Kind.RUN
    schema = schemas.RUN
    id_field = "run_id"
    parents = (Kind.COLLABORATION, Kind.PROJECT, Kind.EXPERIMENT)

    def checked(self, declared: Run, payload: dict[str, Any], ids: Ids) -> dict[str, Any]:
        """Refuse hyperparameters that the experiment's family cannot train with."""
        try:
            experiment = self.store.get(Kind.EXPERIMENT, restrict(ids, Kind.EXPERIMENT))
        except RecordNotFound:
            # That it is not there is said once it is known that the rest is sound.
            experiment = {}
        families.named_in(experiment).check_run(payload)
        return payload
