"""Alignment: the participants of a project agree on a feature space."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from synergos.domain.job import Job, Stage
from synergos.domain.keys import ProjectKey
from synergos.domain.records import Ids, Kind
from synergos.orchestration import preconditions, schemas
from synergos.orchestration.caller import Caller
from synergos.orchestration.schemas.stages import AlignmentOptions
from synergos.orchestration.stage_requests import StageRequests


class Alignments(StageRequests[AlignmentOptions]):
    """One job for the whole project."""

    stage = Stage.PREPROCESS
    kind = Kind.ALIGNMENT
    schema = schemas.ALIGNMENTS

    def plan(
        self, caller: Caller, ids: Ids, options: Mapping[str, Any], asked: AlignmentOptions | None = None
    ) -> list[Job]:
        """Needs participants with tags."""
        preconditions.require_named(self.store, ids)
        project = ProjectKey.of(ids)
        preconditions.action_of(self.store, project)
        preconditions.require_tags(self.store, project, preconditions.participants_of(self.store, project))
        return [Job(self.stage, project, options)]
