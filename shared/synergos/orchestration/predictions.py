"""Prediction: a participant has its own new data predicted by trained models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from synergos import bodies
from synergos.bodies.declarations import TagList
from synergos.bodies.stages import Prediction
from synergos.domain.job import Job, Stage
from synergos.domain.job_options import JobOptions
from synergos.domain.keys import RegistrationKey
from synergos.domain.records import Ids, Kind
from synergos.domain.tags import Purpose, check_nesting, check_tags
from synergos.errors import InvalidRequest
from synergos.orchestration import preconditions
from synergos.orchestration.caller import Caller
from synergos.orchestration.stage_requests import StageRequests


class Predictions(StageRequests[Prediction]):
    """One job for each run in scope, over the projects the participant is registered for."""

    stage = Stage.PREDICT
    kind = Kind.PREDICTION
    schema = bodies.PREDICTIONS

    def asked(self, body: Mapping[str, object]) -> Prediction:
        """See :class:`~synergos.orchestration.stage_requests.StageRequests`; tags that are no lists of lists say how to write them."""
        tags = body.get("tags")
        for project, value in tags.items() if isinstance(tags, Mapping) else ():
            check_nesting(value, f"tags.{project:.80}")
        return super().asked(body)

    def check_caller(self, caller: Caller, ids: Ids) -> None:
        """Return when somebody may have a participant's rows predicted: itself, or who stands for one without an account.

        Raises:
            NotPermitted: somebody else.
        """
        self.access.check_acting_for(caller, ids["participant_id"])

    def plan(self, caller: Caller, ids: Ids, options: JobOptions, asked: Prediction | None = None) -> list[Job]:
        """Needs trained runs, and tags to predict; the requester may have had no part in the training."""
        preconditions.require_named(self.store, ids)
        own = {name: ids[name] for name in ("collab_id", "participant_id")}
        registered = [RegistrationKey.of(record["key"]) for record in self.store.find(Kind.REGISTRATION, own)]
        named = {} if asked is None else asked.tags
        self._check_tags(named, [key.project_id for key in registered])
        wanted = [key for key in registered if ids.get("project_id", key.project_id) == key.project_id]
        return [
            job for key in wanted for job in self._plan_project(key, {**ids, **key}, options, named.get(key.project_id))
        ]

    def _plan_project(self, key: RegistrationKey, ids: Ids, options: JobOptions, named: TagList | None) -> list[Job]:
        runs = preconditions.runs_in(self.store, ids)
        preconditions.require_models(self.store, runs)
        tags = named or preconditions.tags_in(self.store, key)[key.participant_id].get(Purpose.PREDICT)
        if not tags:
            raise InvalidRequest("is required: the participant declared nothing to predict", f"tags.{key.project_id}")
        parameters: JobOptions = {**options, "tags": [list(tag) for tag in tags]}
        return [Job(self.stage, run.measured_at(key.participant_id), parameters) for run in runs]

    @staticmethod
    def _check_tags(tags: Mapping[str, TagList], projects: Sequence[str]) -> None:
        for project, value in tags.items():
            if projects and project not in projects:
                raise InvalidRequest("the participant is registered for no such project", f"tags.{project:.80}")
            if not check_tags(value, f"tags.{project:.80}"):
                raise InvalidRequest("expected at least one tag", f"tags.{project:.80}")
