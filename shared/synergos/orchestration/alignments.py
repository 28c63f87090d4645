"""Alignment: the participants of a project agree on a feature space."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from synergos import bodies
from synergos.bodies.stages import AlignmentOptions, options_of
from synergos.domain.feature_space import FeatureSpace
from synergos.domain.job import Job, Stage
from synergos.domain.job_options import JobOptions
from synergos.domain.keys import ProjectKey, RegistrationKey
from synergos.domain.records import Ids, Kind, Record
from synergos.errors import RecordNotFound
from synergos.learning.told_space import told
from synergos.orchestration import preconditions
from synergos.orchestration.caller import Caller
from synergos.orchestration.dispatcher import FOREVER, Wait
from synergos.orchestration.stage_requests import StageRequests
from synergos.records.agreements import current_agreement


class Alignments(StageRequests[AlignmentOptions]):
    """One job for the whole project."""

    stage = Stage.PREPROCESS
    kind = Kind.ALIGNMENT
    schema = bodies.ALIGNMENTS

    def plan(self, caller: Caller, ids: Ids, options: JobOptions, asked: AlignmentOptions | None = None) -> list[Job]:
        """Needs somebody with rows to train on."""
        preconditions.require_named(self.store, ids)
        project = ProjectKey.of(ids)
        preconditions.action_of(self.store, project)
        preconditions.require_training_tags(self.store, project)
        return [Job(self.stage, project, options)]

    def check(self, caller: Caller, ids: Ids, body: Mapping[str, object], *, wait: Wait | None = FOREVER) -> list[Job]:
        """Have it tried out what would be agreed; the job whose progress says so in the end, and nothing else does.

        Raises:
            NotPermitted: the caller may not.
            InvalidRequest: a field of the body is wrong; names it.
            RecordNotFound: something that ``ids`` name is not there.
            Conflict: it cannot be done as things stand.
            TooManyAtOnce: more jobs would wait than may.
        """
        self.check_caller(caller, ids)
        asked = self.schema.read(body)
        with self.store.transaction():
            planned = self.plan(caller, ids, options_of(asked), asked)
            jobs = [replace(job, stage=Stage.CHECK, trace=caller.trace) for job in planned]
            self.add(jobs)
        return self.submission.hand_over(jobs, wait=wait)

    def share(self, caller: Caller, key: RegistrationKey) -> Record:
        """What one participant has in the agreement of a project, and the feature space as it is told it.

        Raises:
            RecordNotFound: it is not registered there, or not aligned, or is being aligned anew.
            NotPermitted: the caller is another.
        """
        self.access.check_reading(caller, self.kind, key)
        self.store.get(Kind.REGISTRATION, key)
        found = self.store.find_visible(Kind.ALIGNMENT, key)
        agreed = current_agreement(self.store, key.project)
        if not found or agreed is None or "agreement" not in found[0]:
            raise RecordNotFound(
                f"participant {key.participant_id!r} has no part in an agreement of project {key.project_id!r}; align it"
            )
        share = found[0]["agreement"]
        if not self.access.owns(caller, key.collab_id):
            others = set(agreed.get("agreement", {}).get("participants", {})) - {key.participant_id}
            share = {**share, "notes": [note for note in share["notes"] if not any(who in note for who in others)]}
        space = told(FeatureSpace.from_dict(agreed["space"]), share["columns"])
        return {**share, "feature_space": space.to_dict()}
