"""Studies: how far the search for good hyperparameters is, and what it has found."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import ClassVar

from flask import Response
from msgspec import to_builtins

from synergos.domain.damage import DAMAGED, UNREADABLE, Damaged
from synergos.domain.keys import ExperimentKey
from synergos.domain.study import Study, StudyState, Tally, Trial, TrialState
from synergos.orchestration.artifacts import Artifacts
from synergos.orchestration.orchestrator import Orchestrator
from synergos.orchestration.studies import Studies
from synergos.records.paging import Page, Part
from synergos.records.plain import plain
from synergos.rest.api import Route
from synergos.rest.artifacts import FILE_ANSWERS
from synergos.rest.body import nothing
from synergos.rest.caller import caller
from synergos.rest.envelope import success
from synergos.rest.files import file_answer
from synergos.rest.lists import Filter, described, wanted
from synergos.rest.representations import Representation
from synergos.rest.resource import ABOUT_CHECKING, CHECK, Resource, is_wanted

_FILTERS = {
    "state": Filter.one_of(StudyState),
    **dict.fromkeys(ExperimentKey.fields(), Filter("an id in the study's keys")),
}
_FIELDS = (
    "kind",
    "id",
    "keys",
    "state",
    "metric",
    "optimize_mode",
    "searcher",
    "scheduler",
    "search_space",
    "base_run",
    "max_trial_num",
    "max_concurrent",
    "max_exec_duration",
    "seed",
    "created_at",
    "finished_at",
    "error",
    "counts",
    "best",
    "picture",
)


def routes(orchestrator: Orchestrator) -> list[Route]:
    """The routes below ``/ttp``."""
    studies, artifacts = orchestrator.studies, orchestrator.artifacts
    return [
        Route("Studies", StudyCollection, studies, ("/studies",), "studies", parameters=described(_FILTERS)),
        Route("Study", SingleStudy, studies, ("/studies/<study_id>",), "studies"),
        Route("StudyPicture", StudyPicture, artifacts, ("/studies/<study_id>/picture",), "studies"),
        Route("StudyStop", StudyStop, studies, ("/studies/<study_id>/stop",), "studies"),
    ]


class _StudyResource(Resource):
    def __init__(self, api: object, studies: Studies) -> None:
        super().__init__(api)
        self.studies = studies

    def whole(self, study: Study | Damaged) -> dict[str, object]:
        """A study with its trials."""
        if isinstance(study, Damaged):
            return {**study_representation(study), "trials": []}
        trials, unreadable = self.studies.trials(caller(), study)
        progress = self.studies.progress(caller(), study, trials)
        tally = Tally(study.direction)
        for trial in trials:
            tally.add(trial)
        shown = [_trial_shape(trial, progress.get(trial.run_id, {})) for trial in trials]
        damaged = [_damaged_trial(trial) for trial in unreadable]
        return {**study_representation(study, tally), "trials": shown + damaged}


class StudyCollection(_StudyResource):
    """All studies."""

    query_of: ClassVar[Mapping[str, Iterable[str] | None]] = {"GET": None}

    def get(self) -> Response:
        """List them without their trials, newest last; query parameters choose among them."""
        list_of = wanted("studies", _FILTERS, _FIELDS)
        ids = {name: value for name, value in list_of.filters.items() if name != "state"}
        who, state = caller(), list_of.filters.get("state")
        # For that all trials are looked at.
        has_tally = list_of.wants("counts", "best")

        def read(page: Page) -> Part[Representation]:
            found = self.studies.find(who, ids, state, page)
            tallies = self.studies.tallies(who, found.items) if has_tally else {}
            return found.map(lambda study: study_representation(study, tallies.get(study.id)))

        return list_of.answer(read)


class SingleStudy(_StudyResource):
    """One study."""

    def get(self, study_id: str) -> Response:
        """Read it, with its trials."""
        return success("study.get", self.whole(self.studies.get(caller(), study_id)))


class StudyPicture(Resource):
    """The picture of a study that has ended."""

    __apidoc__: ClassVar[dict[str, object]] = {"get": {"responses": FILE_ANSWERS}}

    def __init__(self, api: object, artifacts: Artifacts) -> None:
        super().__init__(api)
        self.artifacts = artifacts

    def get(self, study_id: str) -> Response:
        """Read it, as PNG: its objectives trial by trial, and which hyperparameters they depend on."""
        return file_answer(self.artifacts.open_picture(caller(), study_id))


class StudyStop(_StudyResource):
    """The end of a study before its time."""

    query_of: ClassVar[Mapping[str, Iterable[str] | None]] = {"POST": (CHECK,)}
    __apidoc__: ClassVar[dict[str, object]] = {"post": {"params": ABOUT_CHECKING}}

    def post(self, study_id: str) -> Response:
        """Start no more trials, and cancel those that run; what is finished stays."""
        nothing()
        return success("study.stop", self.whole(self.studies.stop(caller(), study_id, is_rehearsal=is_wanted(CHECK))))


def study_representation(study: Study | Damaged, tally: Tally | None = None) -> Representation:
    """A study without its trials."""
    if isinstance(study, Damaged):
        keys = ExperimentKey.of(study.keys).to_dict()
        known = {"id": study.id, "keys": keys, "state": DAMAGED, "counts": dict.fromkeys(TrialState, 0)}
        return {**dict.fromkeys(_FIELDS), "kind": "Study", **known, DAMAGED: UNREADABLE}
    tally = tally or Tally(study.direction)
    best, found = tally.best, None
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
        "search_space": plain(to_builtins(study.search_space)),
        "base_run": study.base_run,
        "max_trial_num": study.max_trials,
        "max_concurrent": study.max_concurrent,
        "max_exec_duration": study.max_seconds,
        "seed": study.seed,
        "created_at": _time(study.created_at),
        "finished_at": _time(study.finished_at),
        "error": None if study.error is None else {"kind": study.error.kind, "message": study.error.message},
        "counts": {state.value: tally.counts[state] for state in TrialState},
        "best": found,
        "picture": study.picture,
    }


def _trial_shape(trial: Trial, progress: Mapping[str, object]) -> dict[str, object]:
    return {
        "number": trial.number,
        "run_id": trial.run_id,
        "state": trial.state.value,
        "hyperparameters": plain(trial.hyperparameters),
        "objective": trial.objective,
        "objective_over": dict(trial.objective_over),
        "reason": trial.reason,
        "jobs": dict(trial.jobs),
        "progress": plain(progress),
        "created_at": _time(trial.created_at),
        "finished_at": _time(trial.finished_at),
    }


def _damaged_trial(trial: Damaged) -> dict[str, object]:
    unknown = dict.fromkeys(("number", "objective", "reason", "created_at", "finished_at"))
    nothing_of = {name: dict[str, object]() for name in ("hyperparameters", "objective_over", "jobs", "progress")}
    return {**unknown, **nothing_of, "run_id": trial.id, "state": DAMAGED, DAMAGED: UNREADABLE}


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
