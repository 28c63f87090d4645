"""Validation: how well a trained model does on each participant's own data."""

from __future__ import annotations

from synergos import bodies
from synergos.bodies.stages import Options
from synergos.domain.job import Job, Stage
from synergos.domain.job_options import JobOptions
from synergos.domain.keys import ProjectKey
from synergos.domain.records import Ids, Kind
from synergos.domain.tags import Purpose
from synergos.errors import Conflict
from synergos.orchestration import preconditions
from synergos.orchestration.caller import Caller
from synergos.orchestration.stage_requests import StageRequests


class Validations(StageRequests[Options]):
    """One job for each run in scope, for all participants or the one that is named."""

    stage = Stage.VALIDATE
    kind = Kind.VALIDATION
    schema = bodies.VALIDATIONS

    def plan(self, caller: Caller, ids: Ids, options: JobOptions, asked: Options | None = None) -> list[Job]:
        """Needs trained runs, and participants with rows to measure on who are aligned."""
        preconditions.require_named(self.store, ids)
        project, only = ProjectKey.of(ids), ids.get("participant_id")
        tags = preconditions.tags_in(self.store, project)
        if only is not None and only not in tags:
            raise Conflict(f"participant {only!r} is not registered for project {project.project_id!r}")
        runs = preconditions.runs_in(self.store, ids)
        preconditions.require_models(self.store, runs)
        measuring = [who for who in tags if who == (only or who) and Purpose.EVALUATE in tags[who]]
        if not measuring:
            raise Conflict(f"{only or 'no participant'} declared {'no ' if only else ''}tags for evaluation")
        preconditions.require_agreement(self.store, project)
        preconditions.require_alignment(self.store, project, measuring)
        return [Job(self.stage, run if only is None else run.measured_at(only), options) for run in runs]
