"""A run in an MLflow store: a training or a study as it is written down there, with its losses, files and models."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from synergos_ttp.tracking.mlflow_experiment import JOB_TAG, Experiment
from synergos_ttp.tracking.mlflow_models import NotWrittenYet, TrainingModel
from synergos_ttp.tracking.notes import OfStudy, Point, StudyNotes, Target
from synergos_ttp.tracking.steps import Steps

TRIAL_TAG = "synergos.trial"
_PARENT_TAG = "mlflow.parentRunId"
"""MLflow's own, by which its pages show one run below another."""


class MlflowRun:
    """One run in an MLflow store.

    Attributes:
        known: the rounds whose losses are there already, by name.
    """

    def __init__(self, experiment: Experiment, run: Any) -> None:
        self._experiment = experiment
        self._client = experiment.client
        self._run = run
        self._id: str = run.info.run_id
        self.known: dict[str, Steps] = {}
        # Metrics that are there, and of which nobody has asked which rounds: each takes a question, and a run that was validated has many.
        self._untold: set[str] = set()

    @classmethod
    def of_job(
        cls,
        folder: Path,
        target: Target,
        job_id: str,
        parameters: Mapping[str, str] = MappingProxyType({}),
        study: OfStudy | None = None,
    ) -> MlflowRun:
        """The run of a training; the same job, taken up again, finds its own."""
        experiment = Experiment.open(folder, target)
        tags = {JOB_TAG: job_id}
        if study is not None:
            tags |= {_PARENT_TAG: experiment.study_run(study.study_id).info.run_id, TRIAL_TAG: str(study.number)}
        found = experiment.runs_of_job(job_id)
        run = found[0] if found else experiment.create_run(tags)
        opened = cls(experiment, run)
        if found and study is not None and _PARENT_TAG not in run.data.tags:
            # Somebody who knew less of it came first.
            for name, value in tags.items():
                experiment.client.set_tag(run.info.run_id, name, value)
        if parameters and not run.data.params:
            from mlflow.entities import Param

            given = [Param(_name(key), value) for key, value in parameters.items()]
            experiment.client.log_batch(run.info.run_id, params=given)
        opened._untold = set(run.data.metrics)
        return opened

    @classmethod
    def of_study(cls, folder: Path, target: Target, study_id: str) -> MlflowRun:
        """The run that the trainings of a study lie below."""
        experiment = Experiment.open(folder, target)
        return cls(experiment, experiment.study_run(study_id))

    @classmethod
    def abandon(cls, folder: Path, target: Target, job_id: str) -> None:
        """A training that began and never goes on has failed."""
        experiment = Experiment.open(folder, target)
        for run in experiment.runs_of_job(job_id):
            if run.info.status == "RUNNING":
                cls(experiment, run).end(None, "FAILED")

    @classmethod
    def measured(cls, folder: Path, target: Target, job_id: str | None) -> MlflowRun:
        """What a validation has measured: a training, or the newest of a run that finished; an empty run if none was written down."""
        if job_id is not None:
            experiment = Experiment.open(folder, target)
            if found := experiment.runs_of_job(job_id):
                return cls(experiment, found[0])
        return cls._latest(folder, target)

    @classmethod
    def _latest(cls, folder: Path, target: Target) -> MlflowRun:
        experiment = Experiment.open(folder, target)
        found = experiment.newest_finished()
        opened = cls(experiment, found[0] if found else experiment.create_run({}))
        if not found:
            opened.end(None, "FINISHED")
        return opened

    def metrics(self, points: Iterable[Point]) -> None:
        """Write values, without those that are there."""
        from mlflow.entities import Metric

        new = [(_name(point.name), point) for point in points]
        # Of a whole number, which JSON may have, MLflow asks numpy what it is, and that is kept from this process.
        batch = [
            Metric(name, float(point.value), point.milliseconds, point.step)
            for name, point in new
            if point.step not in self.known.get(name, Steps())
        ]
        if batch:
            self._client.log_batch(self._id, metrics=batch)

    def follow(self, points: Sequence[Point]) -> None:
        """Write losses, each round's once, whoever says it again."""
        for name in self._untold & {_name(point.name) for point in points}:
            known = self.known.setdefault(name, Steps())
            for step in sorted(metric.step for metric in self._client.get_metric_history(self._id, name)):
                known.add(step)
            self._untold.remove(name)
        self.metrics(points)
        for point in points:
            self.known.setdefault(_name(point.name), Steps()).add(point.step)

    def log_model(self, exports: Path, registered: str | None) -> None:
        """Write the model of this training as MLflow has models, once; as a version of a registered one, if there is to be one.

        Raises:
            PlaceNotAllowed: its files would go where they may not.
            ModelNotWritten: it has no such form.
        """
        models = TrainingModel(self._client, self._experiment.id, self._id)
        model = models.find()
        if model is None:
            model = models.write(exports, self._experiment.check_place)
        if registered is not None:
            models.register(model, registered, self._experiment.target.experiment)

    def end_study(self, notes: StudyNotes) -> None:
        """Write what a study has found, and that it has ended; its best model as a version of a registered one, if it is to be.

        Raises:
            NotWrittenYet: that model is not there yet; all else is written.
        """
        self.metrics(notes.points)
        found = [] if notes.best_job is None else self._experiment.runs_of_job(notes.best_job)
        for best in found:
            self._client.set_tag(self._id, "synergos.best_run", best.info.run_name)
        # Before its model, which may come late or never.
        self._client.set_terminated(self._id, notes.status)
        if notes.registered is None:
            return
        for best in found:
            models = TrainingModel(self._client, self._experiment.id, best.info.run_id)
            if (model := models.find()) is None:
                raise NotWrittenYet("the model of the best trial")
            models.register(model, notes.registered, notes.target.experiment)

    def end(self, exports: str | None, status: str | None) -> None:
        """Write the final files, and how it ended; None leaves it running.

        Raises:
            PlaceNotAllowed: the files would go where they may not; how it ended is written all the same.
        """
        try:
            if exports is not None:
                self._upload(Path(exports))
        finally:
            if status is not None:
                self._client.set_terminated(self._id, status)

    def _upload(self, exports: Path) -> None:
        from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

        # The place that was checked: MLflow's client would ask for it again, and might be told another.
        place = self._experiment.check_place(str(self._run.info.artifact_uri), self._id)
        repository = get_artifact_repository(place, tracking_uri=self._client.tracking_uri)
        # The files of this training; those of the ones before lie in a folder beside them.
        for path in sorted(exports.iterdir()):
            if path.is_file():
                repository.log_artifact(str(path))


def _name(text: str) -> str:
    """A name that MLflow takes; different texts have different names, so that nobody overwrites another's."""
    return re.sub(r"[^\w .\-]", lambda found: f":{ord(found[0]):02x}", text)
