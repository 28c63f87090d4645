"""Training: one model per experiment and run."""

from __future__ import annotations

from synergos import bodies
from synergos.bodies.stages import Options
from synergos.domain.job import Job, Stage
from synergos.domain.job_options import JobOptions
from synergos.domain.keys import ProjectKey
from synergos.domain.records import Ids, Kind
from synergos.orchestration import preconditions
from synergos.orchestration.caller import Caller
from synergos.orchestration.run_check import require_fitting
from synergos.orchestration.stage_requests import StageRequests


class Models(StageRequests[Options]):
    """One job for each run in scope."""

    stage = Stage.TRAIN
    kind = Kind.MODEL
    schema = bodies.MODELS

    def plan(self, caller: Caller, ids: Ids, options: JobOptions, asked: Options | None = None) -> list[Job]:
        """Needs participants who are aligned, and runs that go with what the project does."""
        preconditions.require_named(self.store, ids)
        preconditions.require_trainable(self.store, ProjectKey.of(ids))
        runs = preconditions.runs_in(self.store, ids)
        require_fitting(self.store, runs)
        return [Job(self.stage, run, options) for run in runs]
