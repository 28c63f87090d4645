"""Hyperparameter tuning: a request opens a study, and its trials are answered like validations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Response

from synergos.domain.keys import ExperimentKey
from synergos.domain.records import Ids, Kind, restrict
from synergos.domain.study import TRIAL_PREFIX, Study, Trial, best_of
from synergos.domain.tags import Meta
from synergos.errors import Conflict, RecordNotFound
from synergos.rest import schemas, scope
from synergos.rest.body import json_object
from synergos.rest.envelope import success
from synergos.rest.resource import Resource
from synergos.rest.services import Services
from synergos.rest.shapes import Shape, shape
from synergos.tuning.request import study_of
from synergos.tuning.studies import Studies


class Optimizations:
    """The studies of one experiment at a time, as the original's client sees them."""

    schema = schemas.OPTIMIZATIONS

    def __init__(self, services: Services) -> None:
        self._services = services
        self._store = services.store
        self._studies = Studies(services.store)

    def find(self, ids: Ids) -> list[Shape]:
        """The validations of all trials, with what was drawn and what it reached."""
        known: dict[str, tuple[Trial, bool]] = {}
        for study in self._studies.find(ids):
            trials = self._studies.trials(study)
            best = best_of(trials, study.direction)
            known |= {trial.run_id: (trial, trial == best) for trial in trials}
        validations = self._store.find(Kind.VALIDATION, ids)
        return [_shape(record, known) for record in validations if TRIAL_PREFIX in record["key"]["run_id"]]

    def request(self, ids: Ids, body: Mapping[str, Any]) -> Study:
        """Open a study; its trials are started right after.

        Raises:
            RecordNotFound: something the URL names is not there.
            Conflict: nothing can be trained or measured as things stand.
            InvalidRequest: names the field.
        """
        self.schema.check(body)
        options = {name: body.get(name, default) for name, default in schemas.MODELS.defaults.items()}
        self._check_state(ids)
        # Every value that is named is tried out, which takes its time; nobody else is to wait for the records meanwhile.
        study = study_of(self._store, ExperimentKey.of(ids), body, options)
        with self._store.transaction():
            self._check_state(ids)
            study = self._studies.add(study)
        self._services.wake_tuner()
        return study

    def _check_state(self, ids: Ids) -> None:
        scope.require_named(self._store, ids)
        scope.require_action(self._store, ids)
        participants = scope.registered_in(self._store, ids)
        scope.require_tags(self._store, ids, participants)
        scope.require_feature_space(self._store, ids)
        scope.require_alignment(self._store, ids, participants)
        tags = self._store.find(Kind.TAG, restrict(ids, Kind.PROJECT))
        if not any(record.get(Meta.EVALUATE.value) for record in tags):
            raise Conflict("no participant declared tags for evaluation, and trials are judged by validations")


class OptimizationResource(Resource):
    """The trials of an experiment."""

    def __init__(self, api: object, optimizations: Optimizations) -> None:
        super().__init__(api)
        self.optimizations = optimizations

    def get(self, **ids: str) -> Response:
        """List the validations of all trials."""
        found = self.optimizations.find(ids)
        if not found:
            raise RecordNotFound(f"no trial of experiment {ids['expt_id']!r} has been validated yet")
        return success("optimizations.get", found)

    def post(self, **ids: str) -> Response:
        """Open a study, and answer at once; ``params.study_id`` names it."""
        study = self.optimizations.request(ids, json_object())
        return success(
            "optimizations.post",
            self.optimizations.find(ids),
            headers={"Location": f"/ttp/studies/{study.id}"},
            more_params={"study_id": study.id},
        )


def _shape(record: Mapping[str, Any], known: Mapping[str, tuple[Trial, bool]]) -> Shape:
    trial, is_best = known.get(record["key"]["run_id"], (None, False))
    return {
        **shape(dict(record)),
        "kind": "Optimization",
        "hyperparameters": {} if trial is None else dict(trial.hyperparameters),
        "objective": None if trial is None else trial.objective,
        "is_best": is_best,
    }
