"""Validation: how well a trained model does on each participant's own data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from synergos.domain.job import Job, Stage
from synergos.domain.keys import job_key
from synergos.domain.records import Ids, Kind
from synergos.errors import Conflict
from synergos.rest import schemas, scope
from synergos.rest.stages import StageRequests


class Validations(StageRequests):
    """One job for each run in scope, for all participants or the one the URL names."""

    stage = Stage.VALIDATE
    kind = Kind.VALIDATION
    plural = "validations"
    schema = schemas.VALIDATIONS

    def plan(self, ids: Ids, options: Mapping[str, Any], body: Mapping[str, Any]) -> list[Job]:
        """Needs trained runs, and participants who are aligned."""
        scope.require_named(self.store, ids)
        participants = scope.registered_in(self.store, ids)
        only = {name: value for name, value in ids.items() if name == "participant_id"}
        for participant in only.values():
            if participant not in participants:
                raise Conflict(f"participant {participant!r} is not registered for project {ids['project_id']!r}")
        runs = scope.runs_in(self.store, ids)
        scope.require_models(self.store, runs)
        concerned = list(only.values()) or participants
        scope.require_tags(self.store, ids, concerned)
        scope.require_alignment(self.store, ids, concerned)
        return [Job(self.stage, job_key({**run["key"], **only}), options) for run in runs]
