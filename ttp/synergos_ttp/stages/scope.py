"""What a job works on, read from the record store when it starts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from synergos.domain.feature_space import Action, FeatureSpace
from synergos.domain.grid import Node, sub_grid
from synergos.domain.job import Job
from synergos.domain.keys import JobKey, ProjectKey, RunKey
from synergos.domain.records import Kind, restrict
from synergos.domain.tags import Meta, declared_tags
from synergos.errors import Conflict, RecordNotFound
from synergos.learning import families
from synergos.learning.families import Recipe
from synergos.records import RecordStore
from synergos_ttp.workers.commands import Tags
from synergos_ttp.workers.participant import Member


@dataclass(frozen=True)
class Scope:
    """A job's keys, and the records they lead to.

    Args:
        grid_index: which node of every participant takes part.
    """

    store: RecordStore
    job: Job
    grid_index: int = 0

    @property
    def keys(self) -> JobKey:
        """The key of what the job works on."""
        return self.job.keys

    @property
    def project(self) -> ProjectKey:
        """The key of the project."""
        return self.keys.project

    @property
    def run(self) -> RunKey:
        """The key of the run."""
        return RunKey.of(self.keys)

    def action(self) -> Action:
        """What the project's models do.

        Raises:
            Conflict: the project does not say.
        """
        action = self.store.get(Kind.PROJECT, self.project).get("action")
        if action is None:
            raise Conflict(f"project {self.keys['project_id']!r} has no action; expected 'regress' or 'classify'")
        return Action(action)

    def nodes(self) -> list[Node]:
        """The nodes of the grid, one per participant, in order of registration."""
        return sub_grid(self.store.find(Kind.REGISTRATION, self.project), self.grid_index)

    def tags(self, participant_id: str) -> Tags:
        """The tags of one participant.

        Raises:
            Conflict: it declared none for training.
        """
        try:
            tags = declared_tags(self.store.get(Kind.TAG, {**self.project, "participant_id": participant_id}))
        except RecordNotFound:
            tags = {}
        if Meta.TRAIN not in tags:
            raise Conflict(f"{participant_id} declared no tags for training; declare its tags first")
        return tags

    def spacers(self, participant_id: str) -> Mapping[str, Any]:
        """The alignment of one participant.

        Raises:
            Conflict: it was not part of the project when it was aligned.
        """
        key = {**self.project, "participant_id": participant_id}
        try:
            record = self.store.get(Kind.ALIGNMENT, key)
        except RecordNotFound as error:
            raise Conflict(f"{participant_id} is not aligned with the project; run the alignment first") from error
        return {meta: record[meta] for meta in Meta if meta in record}

    def members(self) -> list[Member]:
        """Every participant with its tags and its alignment, in order of registration."""
        rows = self._agreement().get("rows", {})
        return [
            Member(node, self.tags(who), self.spacers(who), rows.get(who))
            for node in self.nodes()
            for who in [node.participant_id]
        ]

    def _agreement(self) -> dict[str, Any]:
        try:
            return self.store.get(Kind.FEATURE_SPACE, self.project)
        except RecordNotFound as error:
            raise Conflict(f"project {self.keys['project_id']!r} is not aligned; run the alignment first") from error

    def recipe(self) -> Recipe:
        """What the run's model is made from: the experiment's as this run changes it, fitted to the feature space.

        Raises:
            Conflict: the project is not aligned.
            InvalidRequest: the model does not go with the feature space; names the part.
        """
        agreed = self._agreement()
        space = FeatureSpace.from_dict(agreed["space"])
        experiment = self.store.get(Kind.EXPERIMENT, restrict(self.keys, Kind.EXPERIMENT))
        run = self.store.get(Kind.RUN, self.run)
        family = families.named_in(experiment)
        changed = family.changed(experiment["model"], run)
        # Fitted anew rather than read back: the experiment may have been declared after the alignment.
        fitted = family.fit(changed, space, auto_fix=bool(agreed["auto_fix"]))
        return Recipe(family, fitted, family.hyperparameters(run, space.action), space)

    def model(self) -> dict[str, Any]:
        """The trained model of the run.

        Raises:
            Conflict: the run is not trained.
        """
        try:
            return self.store.get(Kind.MODEL, self.run)
        except RecordNotFound as error:
            raise Conflict(f"run {self.keys['run_id']!r} is not trained; train it first") from error
