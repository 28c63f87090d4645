"""A record store as it is after months of use: collaborations, trained and measured runs, studies, and the jobs that did it.

What stages leave is made once for each project and copied, so that a thousand runs take seconds. No job is left to be done.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from factories.many_records import add_all_jobs, put_all
from fakes.orchestration import HYPERPARAMETERS, LAYERS, finish, tags
from synergos.domain.job import Job, JobError, JobState, Stage
from synergos.domain.keys import ExperimentKey, ProjectKey, RunKey
from synergos.domain.records import Kind, payload_of
from synergos.domain.study import Direction, Study, StudyState, Trial, TrialState
from synergos.records import RecordStore

PARTICIPANTS = ("hospital_1", "hospital_2", "hospital_3", "hospital_4")
UNREACHABLE = JobError("WorkerUnreachable", "hospital_2: cannot be reached at 127.0.0.1:9", "hospital_2")
_BEGUN = datetime(2026, 1, 5, 8, tzinfo=UTC)
_APART = timedelta(minutes=2)
_ROUNDS = 20
_FAILED, _CANCELLED = 0, 1
"""Of every :data:`_OF_JOBS` jobs the first failed, the second was cancelled."""
_OF_JOBS = 25


@dataclass(frozen=True)
class Size:
    """How much there is: projects of each collaboration, experiments of each project, runs of each experiment.

    Attributes:
        jobs: in all; at least two for each run, and one for each project.
    """

    collaborations: int
    projects: int
    experiments: int
    runs: int
    jobs: int

    @property
    def all_runs(self) -> int:
        """Of all experiments together."""
        return self.collaborations * self.projects * self.experiments * self.runs


SMALL = Size(1, 1, 1, 10, jobs=50)
LARGE = Size(4, 5, 5, 10, jobs=5000)
DEEP = Size(1, 1, 1, 1000, jobs=5000)
"""As large, and all of it one experiment's."""
WIDE = Size(1, 1, 100, 10, jobs=5000)
"""As large, spread over the experiments of one project."""


def fill(store: RecordStore, size: Size, outputs: Path | None = None) -> None:
    """Fill an empty store.

    Args:
        outputs: where the loss histories of runs are written, as a TTP does; nowhere without it.
    """
    with store.transaction():
        runs = [run for project in _projects(size) for run in _fill_project(store, project, size)]
        _add_jobs(store, runs, size.jobs - len(store.jobs()))
    if outputs is not None:
        for number, run in enumerate(runs):
            _write_history(run.folder(outputs), number)


def _projects(size: Size) -> Iterator[ProjectKey]:
    for number in range(size.collaborations):
        for inner in range(size.projects):
            yield ProjectKey(f"collaboration_{number}", f"project_{inner}")


def _fill_project(store: RecordStore, project: ProjectKey, size: Size) -> list[RunKey]:
    store.put(Kind.COLLABORATION, project, {})
    store.put(Kind.PROJECT, project, {"action": "regress", "incentives": {}})
    for number, who in enumerate(PARTICIPANTS):
        _take_part(store, project, who, 5000 + number)
    experiments = [
        ExperimentKey(project.collab_id, project.project_id, f"experiment_{number}")
        for number in range(size.experiments)
    ]
    put_all(store, Kind.EXPERIMENT, [(experiment, {"model": LAYERS}) for experiment in experiments])
    _done(store, Job(Stage.PREPROCESS, project))
    runs = [experiment.run_called(f"run_{number}") for experiment in experiments for number in range(size.runs)]
    _train(store, runs)
    _tune(store, experiments, runs)
    return runs


def _take_part(store: RecordStore, project: ProjectKey, who: str, port: int) -> None:
    place = project.at(who)
    node = {"host": "127.0.0.1", "port": port, "f_port": port + 1000, "log_msgs": True, "verbose": True}
    store.put(Kind.PARTICIPANT, {**place, "participant_id": who}, {"id": who})
    store.put(Kind.REGISTRATION, place, {"role": "guest", "n_count": 1, "node_0": node})
    store.put(Kind.TAG, place, tags(who))


def _done(store: RecordStore, job: Job) -> None:
    store.add_jobs([job])
    finish(store, job)


def _train(store: RecordStore, runs: Sequence[RunKey]) -> None:
    """Train and measure the first by jobs, and the others as it was."""
    first, *others = runs
    store.put(Kind.RUN, first, HYPERPARAMETERS)
    _done(store, Job(Stage.TRAIN, first))
    _done(store, Job(Stage.VALIDATE, first))
    kept = {
        kind: [(record["key"], payload_of(record)) for record in store.find(kind, first)]
        for kind in (Kind.MODEL_VERSION, Kind.MODEL, Kind.VALIDATION)
    }
    numbered = list(enumerate(others, start=1))
    said = [{"lr": 0.001 * (1 + number % 50), "rounds": 2 + number % 3} for number, _ in numbered]
    put_all(store, Kind.RUN, [(run, {**HYPERPARAMETERS, **own}) for run, own in zip(others, said, strict=True)])
    # Run by run, as stages write them.
    for kind, records in kept.items():
        own = [({**key, **run}, _measured(payload, number)) for number, run in numbered for key, payload in records]
        put_all(store, kind, own)


def _measured(payload: Mapping[str, Any], number: int) -> dict[str, Any]:
    """What was measured of one run, made another's."""
    if "evaluate" not in payload:
        return dict(payload)
    error = 50.0 + number * 7919 % 1000 / 10
    statistics = {"R2": 1 - error / 200, "MSE": error, "MAE": error**0.5}
    return {**payload, "evaluate": {**payload["evaluate"], "statistics": statistics}}


def _tune(store: RecordStore, experiments: Sequence[ExperimentKey], runs: Sequence[RunKey]) -> None:
    """A study of each experiment, whose trials are its first runs."""
    studies = {experiment: _study(experiment) for experiment in experiments}
    put_all(store, Kind.STUDY, [(study.key, study.to_payload()) for study in studies.values()])
    tried: dict[ExperimentKey, list[RunKey]] = {experiment: [] for experiment in experiments}
    for run in runs:
        tried[run.experiment].append(run)
    trials = []
    for experiment, own in tried.items():
        for number, run in enumerate(own[:3]):
            drawn = {"lr": 0.001 * (1 + number)}
            trial = Trial(run.run_id, number, drawn, drawn, TrialState.COMPLETED, objective=90.0 - number)
            trials.append(({**studies[experiment].key, "run_id": run.run_id}, trial.to_payload()))
    put_all(store, Kind.TRIAL, trials)


def _study(experiment: ExperimentKey) -> Study:
    return Study(
        id=f"study_{'_'.join(experiment.ids)}",
        experiment=experiment,
        metric="MSE",
        direction=Direction.MINIMUM,
        search_space={},
        fixed=HYPERPARAMETERS,
        searcher="TPE",
        scheduler="median",
        max_trials=3,
        seed=1,
        state=StudyState.COMPLETED,
        finished_at=_BEGUN,
    )


def _add_jobs(store: RecordStore, runs: Sequence[RunKey], count: int) -> None:
    """Every run's training, its validation, and predictions as long as jobs are wanted; some of them without success."""
    planned: list[Job] = [Job(stage, run) for run in runs for stage in (Stage.TRAIN, Stage.VALIDATE)]
    while len(planned) < count:
        who = PARTICIPANTS[len(planned) % len(PARTICIPANTS)]
        some = islice(runs, count - len(planned))
        planned += [Job(Stage.PREDICT, run.measured_at(who), {"tags": [["new"]]}) for run in some]
    add_all_jobs(store, [_ended(job, number) for number, job in enumerate(planned)])


def _ended(job: Job, number: int) -> Job:
    state, error = JobState.COMPLETED, None
    if number % _OF_JOBS == _FAILED:
        state, error = JobState.FAILED, UNREACHABLE
    elif number % _OF_JOBS == _CANCELLED:
        state = JobState.CANCELLED
    begun = _BEGUN + number * _APART
    progress = {"round": _ROUNDS, "rounds": _ROUNDS, "fraction": 1.0} if job.stage is Stage.TRAIN else {}
    times = {"created_at": begun, "started_at": begun + _APART / 4, "finished_at": begun + _APART}
    return replace(job, state=state, error=error, progress=progress, attempts=1, **times)  # type: ignore[arg-type]


def _write_history(folder: Path, number: int) -> None:
    losses = {str(each): (1 + number % 7) / (1 + each) for each in range(_ROUNDS)}
    folder.mkdir(parents=True)
    (folder / "global_loss_history.json").write_text(json.dumps({"train": losses, "evaluate": losses}))
