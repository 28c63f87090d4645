"""Alignment: the participants of a project agree on a feature space."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from synergos.domain.job import Job, Stage
from synergos.domain.keys import ProjectKey
from synergos.domain.records import Ids, Kind
from synergos.rest import schemas, scope
from synergos.rest.stages import StageRequests


class Alignments(StageRequests):
    """One job for the whole project."""

    stage = Stage.PREPROCESS
    kind = Kind.ALIGNMENT
    plural = "alignments"
    schema = schemas.ALIGNMENTS
    created = 201

    def plan(self, ids: Ids, options: Mapping[str, Any], body: Mapping[str, Any]) -> list[Job]:
        """Needs participants with tags."""
        scope.require_named(self.store, ids)
        scope.require_action(self.store, ids)
        scope.require_tags(self.store, ids, scope.registered_in(self.store, ids))
        return [Job(self.stage, ProjectKey.of(ids), options)]
