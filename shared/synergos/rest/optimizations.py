"""Hyperparameter tuning: a request opens a study, and its trials are answered like validations."""

from __future__ import annotations

from flask import Response

from synergos.errors import RecordNotFound
from synergos.orchestration.studies import Studies, TrialResult
from synergos.rest.body import json_object
from synergos.rest.caller import caller
from synergos.rest.envelope import success
from synergos.rest.resource import Resource
from synergos.rest.shapes import Shape, record_shape


class OptimizationResource(Resource):
    """The trials of an experiment, over all its studies, as the original's client sees them."""

    def __init__(self, api: object, studies: Studies) -> None:
        super().__init__(api)
        self.studies = studies

    def get(self, **ids: str) -> Response:
        """List the validations of all trials."""
        found = self._find(ids)
        if not found:
            raise RecordNotFound(f"no trial of experiment {ids['expt_id']!r} has been validated yet")
        return success("optimizations.get", found)

    def post(self, **ids: str) -> Response:
        """Open a study, and answer at once; ``params.study_id`` names it."""
        study = self.studies.open(caller(), ids, json_object())
        return success(
            "optimizations.post",
            self._find(ids),
            headers={"Location": f"/ttp/studies/{study.id}"},
            more_params={"study_id": study.id},
        )

    def _find(self, ids: dict[str, str]) -> list[Shape]:
        return [_shape(result) for result in self.studies.results(caller(), ids)]


def _shape(result: TrialResult) -> Shape:
    trial = result.trial
    return {
        **record_shape(result.validation),
        "kind": "Optimization",
        "hyperparameters": {} if trial is None else dict(trial.hyperparameters),
        "objective": None if trial is None else trial.objective,
        "is_best": result.is_best,
    }
