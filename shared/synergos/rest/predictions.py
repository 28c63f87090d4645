"""Prediction: a participant has its own new data predicted by trained models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from synergos.domain.job import Job, Stage
from synergos.domain.keys import job_key
from synergos.domain.records import RECORD_TYPES, Ids, Kind
from synergos.domain.tags import Meta, check_tags
from synergos.errors import InvalidRequest
from synergos.rest import schemas, scope
from synergos.rest.stages import StageRequests


class Predictions(StageRequests):
    """One job for each run in scope, over the projects the participant is registered for."""

    stage = Stage.PREDICT
    kind = Kind.PREDICTION
    plural = "predictions"
    schema = schemas.PREDICTIONS

    def plan(self, ids: Ids, options: Mapping[str, Any], body: Mapping[str, Any]) -> list[Job]:
        """Needs trained runs, a requester who is aligned, and tags to predict."""
        scope.require_named(self.store, ids)
        own = {name: ids[name] for name in ("collab_id", "participant_id")}
        projects = [record["key"]["project_id"] for record in self.store.find(Kind.REGISTRATION, own)]
        self._check_tags(body["tags"], projects)
        wanted = [project for project in projects if ids.get("project_id", project) == project]
        return [job for project in wanted for job in self._plan_project({**ids, "project_id": project}, options, body)]

    def _plan_project(self, ids: Ids, options: Mapping[str, Any], body: Mapping[str, Any]) -> list[Job]:
        participant = {"participant_id": ids["participant_id"]}
        runs = scope.runs_in(self.store, ids)
        scope.require_models(self.store, runs)
        scope.require_tags(self.store, ids, participant.values())
        scope.require_alignment(self.store, ids, participant.values())
        parameters = {**options, "tags": self._tags_of(ids, body["tags"])}
        return [Job(self.stage, job_key({**run["key"], **participant}), parameters) for run in runs]

    def _check_tags(self, tags: Mapping[str, Any], projects: list[str]) -> None:
        for project, value in tags.items():
            if projects and project not in projects:
                raise InvalidRequest("the participant is registered for no such project", f"tags.{project:.80}")
            if not check_tags(value, f"tags.{project:.80}"):
                raise InvalidRequest("expected at least one tag", f"tags.{project:.80}")

    def _tags_of(self, ids: Ids, tags: Mapping[str, Any]) -> list[list[str]]:
        project = ids["project_id"]
        key = {field: ids[field] for field in RECORD_TYPES[Kind.TAG].key_fields}
        found: list[list[str]] = tags.get(project) or self.store.get(Kind.TAG, key).get(Meta.PREDICT) or []
        if not found:
            raise InvalidRequest("is required: the participant declared nothing to predict", f"tags.{project}")
        return found
