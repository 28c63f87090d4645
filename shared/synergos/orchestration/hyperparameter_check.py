"""Checking hyperparameters that a study has drawn against their experiment."""

from __future__ import annotations

from collections.abc import Mapping

from synergos.domain.feature_space import FeatureSpace
from synergos.domain.keys import ExperimentKey
from synergos.domain.records import Kind
from synergos.learning import families
from synergos.orchestration.preconditions import action_of
from synergos.records.agreements import current_agreement
from synergos.records.store import RecordStore


def check_drawn_hyperparameters(store: RecordStore, experiment: ExperimentKey, run: Mapping[str, object]) -> None:
    """Refuse hyperparameters that an experiment cannot be trained with.

    Raises:
        InvalidRequest: names the field.
        Conflict: the project does not say what its models do.
    """
    record = store.get(Kind.EXPERIMENT, experiment)
    family = families.named_in(record)
    family.check_run(run, action_of(store, experiment))
    if not family.changes(run):
        return
    changed = family.changed(record["model"], run)
    agreed = current_agreement(store, experiment.project)
    if agreed is not None:
        space = FeatureSpace.from_dict(agreed["space"])
        family.fit(changed, space, auto_fix=bool(agreed["auto_fix"]))
