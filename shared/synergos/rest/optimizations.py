"""Hyperparameter tuning: a request opens a study, and its trials are answered like validations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import ClassVar

from flask import Response

from synergos.domain.keys import ExperimentKey
from synergos.domain.records import Kind
from synergos.errors import RecordNotFound
from synergos.orchestration.studies import Studies, TrialResult
from synergos.records.paging import Page, Part
from synergos.rest.body import json_object
from synergos.rest.caller import caller
from synergos.rest.envelope import success
from synergos.rest.lists import described, everything, key_filters, wanted
from synergos.rest.representations import Representation, represent, without_curves
from synergos.rest.resource import ABOUT_CHECKING, CHECK, Resource, is_wanted
from synergos.rest.studies import study_representation

_FILTERS = key_filters(Kind.VALIDATION, ExperimentKey.fields())
OF_TRIALS = described(_FILTERS)


class OptimizationResource(Resource):
    """The trials of an experiment, over all its studies, as the original's client sees them."""

    query_of: ClassVar[Mapping[str, Iterable[str] | None]] = {"GET": None, "POST": (CHECK,)}
    __apidoc__: ClassVar[dict[str, object]] = {"post": {"params": ABOUT_CHECKING}}

    def __init__(self, api: object, studies: Studies) -> None:
        super().__init__(api)
        self.studies = studies

    def get(self, **ids: str) -> Response:
        """List the validations of all trials."""
        list_of = wanted("optimizations", _FILTERS)
        results = self.studies.results(caller(), {**ids, **list_of.filters})

        def read(page: Page) -> Part[Representation]:
            found = results(page)
            if not found.items and page.after is None:
                raise RecordNotFound(f"no trial of experiment {ids['expt_id']!r} has been validated yet")
            return found.map(_represent)

        return list_of.answer(read)

    def post(self, **ids: str) -> Response:
        """Open a study, and answer at once; ``params.study_id`` names it."""
        is_rehearsal = is_wanted(CHECK)
        study = self.studies.open(caller(), ids, json_object(), is_rehearsal=is_rehearsal)
        if is_rehearsal:
            return success("optimizations.check", study_representation(study) | {"id": None})
        return success(
            "optimizations.post",
            map(_represent, everything(self.studies.results(caller(), ids))),
            headers={"Location": f"/ttp/studies/{study.id}"},
            more_params={"study_id": study.id},
        )


def _represent(result: TrialResult) -> Representation:
    trial = result.trial
    return {
        **without_curves(represent(result.validation)),
        "kind": "Optimization",
        "hyperparameters": {} if trial is None else dict(trial.hyperparameters),
        "objective": None if trial is None else trial.objective,
        "objective_over": {} if trial is None else dict(trial.objective_over),
        "is_best": result.is_best,
    }
