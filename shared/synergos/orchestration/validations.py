"""Validation: how well a trained model does on each participant's own data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from synergos.domain.job import Job, Stage
from synergos.domain.keys import ProjectKey
from synergos.domain.records import Ids, Kind
from synergos.errors import Conflict
from synergos.orchestration import preconditions, schemas
from synergos.orchestration.caller import Caller
from synergos.orchestration.schemas.stages import Options
from synergos.orchestration.stage_requests import StageRequests


class Validations(StageRequests[Options]):
    """One job for each run in scope, for all participants or the one that is named."""

    stage = Stage.VALIDATE
    kind = Kind.VALIDATION
    schema = schemas.VALIDATIONS

    def plan(self, caller: Caller, ids: Ids, options: Mapping[str, Any], asked: Options | None = None) -> list[Job]:
        """Needs trained runs, and participants who are aligned."""
        preconditions.require_named(self.store, ids)
        project, only = ProjectKey.of(ids), ids.get("participant_id")
        participants = preconditions.participants_of(self.store, project)
        if only is not None and only not in participants:
            raise Conflict(f"participant {only!r} is not registered for project {project.project_id!r}")
        runs = preconditions.runs_in(self.store, ids)
        preconditions.require_models(self.store, runs)
        concerned = participants if only is None else [only]
        preconditions.require_tags(self.store, project, concerned)
        preconditions.require_alignment(self.store, project, concerned)
        return [Job(self.stage, run if only is None else run.measured_at(only), options) for run in runs]
