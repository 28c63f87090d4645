"""Studies: how far the search for good hyperparameters is, and what it has found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from flask import Response, request

from synergos.domain.identifiers import check_identifier
from synergos.domain.job import Stage
from synergos.domain.keys import ExperimentKey
from synergos.domain.study import Study, StudyState, Trial, TrialState, best_of
from synergos.errors import RecordNotFound, UnknownName
from synergos.records.plain import plain
from synergos.records.store import RecordStore
from synergos.rest.api import Route
from synergos.rest.envelope import success
from synergos.rest.resource import Resource
from synergos.rest.services import Services
from synergos.tuning.studies import Studies

_IDS = ExperimentKey.fields()
FILTERS = {
    "state": f"one of {', '.join(StudyState)}",
    **dict.fromkeys(_IDS, "an id in the study's keys"),
}


def routes(services: Services) -> list[Route]:
    """The routes below ``/ttp``."""
    return [
        Route("Studies", StudyCollection, services, ("/studies",), "studies", parameters=FILTERS),
        Route("Study", SingleStudy, services, ("/studies/<study_id>",), "studies"),
        Route("StudyStop", StudyStop, services, ("/studies/<study_id>/stop",), "studies"),
    ]


class _StudyResource(Resource):
    def __init__(self, api: object, services: Services) -> None:
        super().__init__(api)
        self.services = services
        self.studies = Studies(services.store)

    def whole(self, study: Study) -> dict[str, Any]:
        """A study with its trials."""
        trials = self.studies.trials(study)
        return {
            **_shape(study, trials),
            "trials": [_trial_shape(trial, _progress(self.services.store, trial)) for trial in trials],
        }


class StudyCollection(_StudyResource):
    """All studies."""

    def get(self) -> Response:
        """List them without their trials, newest last; query parameters choose among them."""
        filters = _filters()
        state = filters.pop("state", None)
        found = self.studies.find(filters, state)
        return success("studies.get", [_shape(study, self.studies.trials(study)) for study in found])


class SingleStudy(_StudyResource):
    """One study."""

    def get(self, study_id: str) -> Response:
        """Read it, with its trials."""
        return success("study.get", self.whole(self.studies.get(study_id)))


class StudyStop(_StudyResource):
    """The end of a study before its time."""

    def post(self, study_id: str) -> Response:
        """Start no more trials, and cancel those that run; what is finished stays."""
        study = self.studies.stop(study_id)
        self.services.wake_tuner()
        return success("study.stop", self.whole(study))


def _shape(study: Study, trials: Sequence[Trial]) -> dict[str, Any]:
    states = Counter(trial.state for trial in trials)
    best = best_of(list(trials), study.direction)
    found = None
    if best is not None:
        named = {"run_id": best.run_id, "number": best.number, "objective": best.objective}
        found = {**named, "hyperparameters": plain(best.hyperparameters)}
    return {
        "kind": "Study",
        "id": study.id,
        "keys": study.experiment.to_dict(),
        "state": study.state.value,
        "metric": study.metric,
        "optimize_mode": study.direction.value,
        "searcher": study.searcher,
        "scheduler": study.scheduler,
        "search_space": plain(study.search_space),
        "base_run": study.base_run,
        "max_trial_num": study.max_trials,
        "max_concurrent": study.max_concurrent,
        "max_exec_duration": study.max_seconds,
        "seed": study.seed,
        "created_at": _time(study.created_at),
        "finished_at": _time(study.finished_at),
        "error": None if study.error is None else {"kind": study.error.kind, "message": study.error.message},
        "counts": {state.value: states[state] for state in TrialState},
        "best": found,
        "picture": study.picture,
    }


def _trial_shape(trial: Trial, progress: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "number": trial.number,
        "run_id": trial.run_id,
        "state": trial.state.value,
        "hyperparameters": plain(trial.hyperparameters),
        "objective": trial.objective,
        "reason": trial.reason,
        "jobs": dict(trial.jobs),
        "progress": plain(progress),
        "created_at": _time(trial.created_at),
        "finished_at": _time(trial.finished_at),
    }


def _progress(store: RecordStore, trial: Trial) -> Mapping[str, Any]:
    """How far its training is, or came."""
    if Stage.TRAIN not in trial.jobs:
        return {}
    try:
        return store.job(trial.jobs[Stage.TRAIN]).progress
    except RecordNotFound:
        return {}


def _filters() -> dict[str, str]:
    filters = request.args.to_dict()
    for name, value in filters.items():
        if name not in FILTERS:
            raise UnknownName(name, FILTERS, name, "something studies can be chosen by")
        if name == "state" and value not in set(StudyState):
            raise UnknownName(value, list(StudyState), name, FILTERS["state"])
        if name in _IDS:
            check_identifier(value, name)
    return filters


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
