"""Training: one model per experiment and run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from synergos.domain.job import Job, Stage
from synergos.domain.keys import RunKey
from synergos.domain.records import Ids, Kind
from synergos.rest import schemas, scope
from synergos.rest.stages import StageRequests


class Models(StageRequests):
    """One job for each run in scope."""

    stage = Stage.TRAIN
    kind = Kind.MODEL
    plural = "models"
    schema = schemas.MODELS

    def plan(self, ids: Ids, options: Mapping[str, Any], body: Mapping[str, Any]) -> list[Job]:
        """Needs participants who are aligned."""
        scope.require_named(self.store, ids)
        scope.require_action(self.store, ids)
        participants = scope.registered_in(self.store, ids)
        runs = scope.runs_in(self.store, ids)
        scope.require_tags(self.store, ids, participants)
        scope.require_feature_space(self.store, ids)
        scope.require_alignment(self.store, ids, participants)
        return [Job(self.stage, RunKey.of(run["key"]), options) for run in runs]
