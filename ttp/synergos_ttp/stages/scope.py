"""The records a job works on, read from the store when it starts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from msgspec import UNSET, UnsetType

from synergos.domain.agreement import AGREEMENT, Agreement
from synergos.domain.asker import Asker
from synergos.domain.feature_space import Action, FeatureSpace
from synergos.domain.grid import Node, sub_grid
from synergos.domain.job import Job
from synergos.domain.keys import ExperimentKey, JobKey, ProjectKey, RunKey, StudyKey
from synergos.domain.outputs import MissingColumns
from synergos.domain.records import Kind, Record, restrict
from synergos.domain.study import TRIAL_PREFIX
from synergos.domain.tags import Purpose
from synergos.domain.trained_model import TrainingDefinition, definition_of
from synergos.learning import families
from synergos.learning.families import Recipe
from synergos.orchestration import preconditions
from synergos.records import RecordStore, model_versions
from synergos.records.agreements import current_agreement
from synergos_ttp.workers.commands import Tags
from synergos_ttp.workers.participant import JobParticipant
from synergos_ttp.workers.session_request import Search


@dataclass(frozen=True)
class Scope:
    """A job's keys, and the records they lead to.

    Args:
        grid_index: which node of every participant takes part.
        component: the id of the program that runs the job.
    """

    store: RecordStore
    job: Job
    grid_index: int = 0
    component: str | None = None

    @property
    def asker(self) -> Asker:
        """Who asks workers for something, as they are told."""
        return Asker(self.component, self.job.id)

    @property
    def session_secret(self) -> str:
        """What only the programs that share the records know of the job: no worker is told the record store's own id."""
        return f"{self.store.cluster_id()}/{self.job.id}"

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
        return preconditions.action_of(self.store, self.project)

    def nodes(self) -> list[Node]:
        """The nodes of the grid, one per participant, in order of registration."""
        return sub_grid(preconditions.registrations_of(self.store, self.project), self.grid_index)

    def tags(self) -> Mapping[str, Tags]:
        """The tags of the participants, in order of registration; empty for one that brings no data.

        Raises:
            Conflict: nobody is registered.
        """
        return preconditions.tags_in(self.store, self.project)

    def missing_columns(self, participant_id: str) -> Mapping[str, MissingColumns]:
        """The alignment of one participant.

        Raises:
            Conflict: it was not part of the project when it was aligned.
        """
        record = preconditions.alignment_of(self.store, self.project.at(participant_id))
        return {purpose.value: record[purpose] for purpose in Purpose if purpose in record}

    def columns(self) -> Mapping[str, Sequence[str]]:
        """The raw columns of each participant when the project was last aligned."""
        found = current_agreement(self.store, self.project)
        return found.get("columns", {}) if found else {}

    def digests(self, participant_id: str) -> Mapping[Purpose, tuple[str, ...]]:
        """Those of one participant's datasets when the project was last aligned, by purpose; none where that is not known."""
        return {} if self._agreement is None else self._agreement.digests(participant_id)

    def rows(self, participant_id: str) -> Mapping[Purpose, int]:
        """How many rows one participant had for each purpose when the project was last aligned; none where that is not known."""
        share = None if self._agreement is None else self._agreement.participants.get(participant_id)
        return {} if share is None else {purpose: table.rows for purpose, table in share.tables.items()}

    @cached_property
    def _agreement(self) -> Agreement | None:
        """Read once: each participant is asked for its part of it."""
        found = current_agreement(self.store, self.project)
        return None if found is None or "agreement" not in found else AGREEMENT.read(found["agreement"])

    def members(self) -> list[JobParticipant]:
        """Every participant that trains, with its tags and its alignment, in order of registration."""
        tags = self.tags()
        trained = preconditions.agreed_feature_space(self.store, self.project).get("rows", {})
        columns = self.columns()
        return [
            JobParticipant(
                node,
                tags[who],
                self.missing_columns(who),
                self._bound(who, tags[who], trained),
                columns.get(who),
                self.digests(who),
            )
            for node in self.nodes()
            for who in [node.participant_id]
            if Purpose.TRAIN in tags[who]
        ]

    def _bound(self, participant_id: str, tags: Tags, trained: Mapping[str, int]) -> dict[Purpose, int]:
        """How many rows of each purpose of a training it has to have; of those to train on more is known of old."""
        known = {Purpose.TRAIN: trained[participant_id]} if participant_id in trained else {}
        own = self.rows(participant_id)
        purposes = [purpose for purpose in (Purpose.TRAIN, Purpose.EVALUATE) if purpose in tags and purpose in own]
        return {purpose: own[purpose] for purpose in purposes} | known

    def recipe(self) -> Recipe:
        """What the run's model is made from: the experiment's as this run changes it, fitted to the feature space.

        Raises:
            Conflict: the project is not aligned.
            InvalidRequest: the model does not go with the feature space; names the part.
        """
        agreed = preconditions.agreed_feature_space(self.store, self.project)
        space = FeatureSpace.from_dict(agreed["space"])
        experiment, run = self._declared
        family = families.named_in(experiment)
        changed = family.changed(experiment["model"], run)
        # Fitted anew rather than read back: the experiment may have been declared after the alignment.
        fitted = family.fit(changed, space, auto_fix=bool(agreed["auto_fix"]))
        return Recipe(family, fitted, family.hyperparameters(run, space.action), space)

    def search(self) -> Search | None:
        """What the study has whose trial the run is; None where it is none."""
        if not self.run.run_id.startswith(TRIAL_PREFIX):
            return None
        for trial in self.store.find(Kind.TRIAL, self.run):
            key = StudyKey(**ExperimentKey.of(self.run), study_id=trial["key"]["study_id"])
            study = self.store.get(Kind.STUDY, key)
            experiment, _run = self._declared
            is_changed = families.named_in(experiment).changes(study["search_space"])
            model = experiment["model"] if is_changed else UNSET
            return Search(space=study["search_space"], fixed=study["fixed"], model=model)
        return None

    def definition(self) -> TrainingDefinition:
        """What the recipe is made from, as it was declared."""
        return definition_of(*self._declared)

    @cached_property
    def _declared(self) -> tuple[Record, Record]:
        """The experiment and the run, as they stood at one moment."""
        with self.store.database.reading():
            experiment = self.store.get(Kind.EXPERIMENT, restrict(self.keys, Kind.EXPERIMENT))
            return experiment, self.store.get(Kind.RUN, self.run)

    def versions(self) -> list[int]:
        """The numbers of the run's trainings so far, ascending."""
        records = [*self.store.find(Kind.MODEL_VERSION, self.run), *self.store.find(Kind.MODEL, self.run)]
        return sorted({model_versions.number_of(record) for record in records})

    def agreement(self) -> Agreement | UnsetType:
        """What came of the project's alignment, where its record says so."""
        agreed = preconditions.agreed_feature_space(self.store, self.project)
        return AGREEMENT.read(agreed["agreement"]).without_digests() if "agreement" in agreed else UNSET

    def model(self) -> Record:
        """The trained model of the run.

        Raises:
            Conflict: the run is not trained, or not as it stands by now.
        """
        return preconditions.model_of(self.store, self.run)
