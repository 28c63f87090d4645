"""One trial: drawn, checked, run as jobs like any other, and judged by its validations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Protocol
from uuid import uuid4

from synergos.domain.job import Job, JobState, Stage
from synergos.domain.job_options import JobOptions
from synergos.domain.keys import ProjectKey
from synergos.domain.records import Kind
from synergos.domain.study import TRIAL_MARK, TRIAL_PREFIX, Study, StudyState, Trial, TrialMark, TrialState
from synergos.domain.tags import Purpose
from synergos.errors import Conflict, InvalidRequest, RecordNotFound
from synergos.learning import families
from synergos.orchestration.caller import OWNER
from synergos.orchestration.dispatcher import Dispatcher
from synergos.orchestration.hyperparameter_check import check_drawn_hyperparameters
from synergos.orchestration.orchestrator import Orchestrator
from synergos.orchestration.preconditions import action_of
from synergos.orchestration.study_records import StudyRecords
from synergos.records.store import RecordStore
from synergos.tuning.objective import objective
from synergos.tuning.samplers import draw
from synergos.tuning.search_space import SearchSpace


class TrialDispatcher(Dispatcher, Protocol):
    """What runs a study's jobs: a basic TTP's dispatcher, or a director's."""

    def width(self, project: ProjectKey) -> int:
        """How many of a project's jobs can run at once, at least 1."""


_TUNER = OWNER
"""Studies are looked after on behalf of whoever opened them; there is but one caller yet."""


class Trials:
    """Starts the trials of studies and follows them to their ends."""

    def __init__(self, store: RecordStore, studies: StudyRecords, orchestrator: Orchestrator) -> None:
        self._store = store
        self._studies = studies
        self._orchestrator = orchestrator
        # Jobs that were asked to stop already. Stopping is idempotent; asking again would only cost.
        self._told: set[str] = set()

    def start(self, study: Study, space: SearchSpace, past: Sequence[Trial]) -> Trial:
        """Draw the next combination and hand its jobs in; one that cannot be trained is stored as skipped.

        Raises:
            Conflict: somebody else has gone on with the study, or it is not running any more.
            RecordNotFound: what it searches was deleted.
            QuotaExceeded: there is no room for it, or as many jobs wait as may.
        """
        number = past[-1].number + 1 if past else 0
        drawn = draw(study, space, past, number)
        trial = Trial(f"{TRIAL_PREFIX}{uuid4()}", number, drawn, space.values(drawn))
        run = {**study.fixed, **trial.hyperparameters}
        if reason := self._why_not(study, run):
            trial = replace(trial, state=TrialState.SKIPPED, reason=reason)
        with self._store.transaction():
            self._check_alone(study, number)
            trial, jobs = (trial, []) if reason else self._accepted(study, trial, run)
            self._orchestrator.shares.check_room(study.experiment)
            self._studies.save_trial(study, trial)
        self._orchestrator.submission.hand_over(jobs, wait=None)
        return trial

    def _accepted(self, study: Study, trial: Trial, run: Mapping[str, object]) -> tuple[Trial, list[Job]]:
        """The trial with its run declared and its jobs stored; failed when it cannot be trained as things stand."""
        key = study.experiment.run_called(trial.run_id)
        stages = self._orchestrator.stages
        try:
            with self._store.transaction():
                body = {**self._with_effect(study, run), "run_id": trial.run_id}
                self._orchestrator.declarations[Kind.RUN].declare(_TUNER, study.experiment, body)
                training = stages[Stage.TRAIN].accept(_TUNER, key, self._options(study, trial, run))
                validation = stages[Stage.VALIDATE].accept(_TUNER, key, study.options)
        except (Conflict, InvalidRequest) as error:
            return replace(trial, state=TrialState.FAILED, reason=str(error), finished_at=datetime.now(UTC)), []
        jobs = [*training, *validation]
        return replace(trial, jobs={job.stage.value: job.id for job in jobs}), jobs

    def follow(self, study: Study, trial: Trial) -> Trial:
        """A running trial as it stands now; its end is stored."""
        train = self._store.job(trial.jobs[Stage.TRAIN])
        if not train.state.is_final:
            return trial
        if train.state is not JobState.COMPLETED:
            self._cancel(trial.jobs[Stage.VALIDATE])
            return self._end(study, trial, *_without_model(train))
        validate = self._store.job(trial.jobs[Stage.VALIDATE])
        if not validate.state.is_final:
            return trial
        if validate.state is not JobState.COMPLETED:
            state = TrialState.CANCELLED if validate.state is JobState.CANCELLED else TrialState.FAILED
            return self._end(study, trial, state, _reason(validate))
        return self._judge(study, trial)

    def cancel(self, trial: Trial) -> None:
        """Ask a trial's jobs to stop; only the first time counts."""
        if trial.run_id in self._told:
            return
        for stage in (Stage.VALIDATE, Stage.TRAIN):
            self._cancel(trial.jobs[stage])
        self._told.add(trial.run_id)

    def _judge(self, study: Study, trial: Trial) -> Trial:
        key = study.experiment.run_called(trial.run_id)
        records = self._store.find(Kind.VALIDATION, key)
        found = objective(study.metric, [record[Purpose.EVALUATE.value]["statistics"] for record in records])
        if found is None:
            return self._end(study, trial, TrialState.FAILED, f"no participant has a {study.metric} of its model")
        over = {"participants": found.participants, "figures": found.figures}
        judged = replace(trial, objective=found.value, objective_over=over)
        return self._end(study, judged, TrialState.COMPLETED, None)

    def _end(self, study: Study, trial: Trial, state: TrialState, reason: str | None) -> Trial:
        ended = replace(trial, state=state, reason=reason)
        self._studies.end_trial(study, ended)
        return ended

    def _cancel(self, job_id: str) -> None:
        try:
            self._orchestrator.jobs.cancel(_TUNER, job_id, because="its study has no use for it any more")
        except (Conflict, RecordNotFound):
            # It has ended meanwhile, or was deleted with its run.
            return

    def _check_alone(self, study: Study, number: int) -> None:
        """Raises Conflict unless this is still the study's next trial."""
        stored = self._studies.get(study.id)
        trials = self._studies.trials(study)
        if stored.state is not StudyState.RUNNING or any(trial.number >= number for trial in trials):
            raise Conflict(f"study {study.id} has gone on elsewhere")

    def _with_effect(self, study: Study, run: Mapping[str, object]) -> dict[str, object]:
        """What a combination trains with: momentum is drawn for Adam too where it is one of several optimizers."""
        family = families.named_in(self._store.get(Kind.EXPERIMENT, study.experiment))
        without = family.unused(run, action_of(self._store, study.experiment))
        return {name: value for name, value in run.items() if name not in without}

    def _why_not(self, study: Study, run: Mapping[str, object]) -> str | None:
        """Why a combination cannot be trained, None when it can."""
        try:
            check_drawn_hyperparameters(self._store, study.experiment, run)
        except InvalidRequest as error:
            return str(error)
        return None

    def _options(self, study: Study, trial: Trial, run: Mapping[str, object]) -> JobOptions:
        family = families.named_in(self._store.get(Kind.EXPERIMENT, study.experiment))
        mark = TrialMark(study.id, trial.number, study.scheduler, family.hyperparameters(run).loss)
        return {**study.options, "trial": TRIAL_MARK.write(mark)}


def _without_model(train: Job) -> tuple[TrialState, str]:
    if train.state is JobState.FAILED:
        return TrialState.FAILED, _reason(train)
    return TrialState.PRUNED if train.is_pruned else TrialState.CANCELLED, _reason(train)


def _reason(job: Job) -> str:
    return job.error.message if job.error else f"its {job.stage.value} job is {job.state.value}"
