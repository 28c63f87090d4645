"""Runs: the hyperparameters an experiment is trained with."""

from __future__ import annotations

from typing import Any

from synergos.domain.records import Kind
from synergos.rest import schemas
from synergos.rest.declarations import Declarations


class Runs(Declarations):
    """The runs of experiments."""

    kind = Kind.RUN
    singular = "run"
    plural = "runs"
    schema = schemas.RUN
    id_field = "run_id"
    parents = (Kind.COLLABORATION, Kind.PROJECT, Kind.EXPERIMENT)

    def checked(self, payload: dict[str, Any]) -> dict[str, Any]:
        """Refuse hyperparameters that cannot be trained with."""
        self.services.check_run(payload)
        return payload
