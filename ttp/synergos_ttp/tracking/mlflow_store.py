"""MLflow: the only module that knows it. Importing it takes seconds and 100 MiB, which is why a process of its own does."""

from __future__ import annotations

import os
import re
import traceback
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self

from filelock import FileLock
from requests import ConnectionError as RequestsConnectionError
from requests import Timeout

from synergos.tls.secured import Secured
from synergos_ttp.tracking.artifact_places import PlaceNotAllowed, check_local, check_remote, folder_of
from synergos_ttp.tracking.mlflow_models import ModelNotWritten, NotWrittenYet, TrainingModel
from synergos_ttp.tracking.notes import (
    AbandonedNotes,
    Fault,
    ModelNotes,
    Notes,
    NotWritten,
    OfStudy,
    Point,
    StudyNotes,
    Target,
    TrainingNotes,
    ValidationNotes,
)
from synergos_ttp.tracking.one_server import OneServer, Strayed, only
from synergos_ttp.tracking.steps import Steps

_LONGEST = 2000
"""Characters of each end of what MLflow says went wrong."""
JOB_TAG, RUN_TAG, STUDY_TAG, TRIAL_TAG = "synergos.job", "synergos.run", "synergos.study", "synergos.trial"
_PARENT_TAG = "mlflow.parentRunId"
"""MLflow's own, by which its pages show one run below another."""
_TRANSIENT = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})
_UNKNOWN = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})
"""How a server answers that does not know us: until an administrator tells it, or us."""
_SETTINGS = {
    # Nobody but the consortium learns that a run happened.
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    # This program's own logging stays as it is.
    "MLFLOW_CONFIGURE_LOGGING": "false",
    # Notes that could not be sent are sent again with the next ones.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
}
_RULES = {
    # Files go to the server that is written to, not to addresses that it hands out.
    "MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD": "false",
    "MLFLOW_ALLOW_HTTP_REDIRECTS": "false",
}


class MlflowStore:
    """Writes to the server a collaboration names, or to an SQLite store with its artifacts in a folder.

    An MLflow experiment is ``<collab>_>_<project>_>_<expt>``; every training is a new MLflow run named ``<run>`` with the
    job's id as a tag, so that training again keeps what was there; trials lie below the run of their study. Validations go to the
    training that was measured, or where that is not known to the newest one that finished.

    Args:
        folder: of the local store; made when it is needed.
        tls: whom of servers to believe; None for whom the library believes.
    """

    def __init__(self, folder: Path, tls: Secured | None = None) -> None:
        self._folder = folder
        self._tls = tls
        # The trainings that go on, by job.
        self._runs: dict[str, MlflowRun] = {}

    def write(self, notes: Notes) -> None:
        """See :class:`synergos_ttp.tracking.notes.Writer`."""
        try:
            with only(OneServer(notes.target.address, notes.target.connect_to, self._tls)):
                self._write(notes)
        except Exception as error:
            if isinstance(notes, TrainingNotes):
                # Opened anew next time, which tells what was written of these notes.
                self._runs.pop(notes.job_id, None)
            raise NotWritten(type(error).__name__, _shortened(traceback.format_exc()), _fault_of(error)) from error

    def close(self) -> None:
        """See :class:`synergos_ttp.tracking.notes.Writer`."""

    def _write(self, notes: Notes) -> None:
        match notes:
            case TrainingNotes():
                self._follow(notes)
            case ValidationNotes():
                MlflowRun.measured(self._folder, notes.target, notes.job_id).metrics(notes.points)
            case AbandonedNotes():
                MlflowRun.abandon(self._folder, notes.target, notes.job_id)
            case ModelNotes():
                run = MlflowRun.of_job(self._folder, notes.target, notes.job_id)
                run.log_model(Path(notes.exports), notes.registered)
            case StudyNotes():
                MlflowRun.of_study(self._folder, notes.target, notes.study_id).end_study(notes)

    def _follow(self, notes: TrainingNotes) -> None:
        run = self._runs.get(notes.job_id)
        if run is None:
            run = MlflowRun.of_job(self._folder, notes.target, notes.job_id, notes.parameters, notes.study)
            self._runs[notes.job_id] = run
        run.follow(notes.points)
        if notes.ending is not None:
            run.end(notes.ending.exports, notes.ending.status)
            del self._runs[notes.job_id]


class MlflowRun:
    """One run in an MLflow store.

    Attributes:
        known: the rounds whose losses are there already, by name.
    """

    def __init__(self, experiment: _Experiment, run: Any) -> None:
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
        experiment = _Experiment.open(folder, target)
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
        experiment = _Experiment.open(folder, target)
        return cls(experiment, experiment.study_run(study_id))

    @classmethod
    def abandon(cls, folder: Path, target: Target, job_id: str) -> None:
        """A training that began and never goes on has failed."""
        experiment = _Experiment.open(folder, target)
        for run in experiment.runs_of_job(job_id):
            if run.info.status == "RUNNING":
                cls(experiment, run).end(None, "FAILED")

    @classmethod
    def measured(cls, folder: Path, target: Target, job_id: str | None) -> MlflowRun:
        """What a validation has measured: a training, or the newest of a run that finished; an empty run if none was written down."""
        if job_id is not None:
            experiment = _Experiment.open(folder, target)
            if found := experiment.runs_of_job(job_id):
                return cls(experiment, found[0])
        return cls._latest(folder, target)

    @classmethod
    def _latest(cls, folder: Path, target: Target) -> MlflowRun:
        experiment = _Experiment.open(folder, target)
        found = experiment.newest_finished()
        opened = cls(experiment, found[0] if found else experiment.create_run({}))
        if not found:
            opened.end(None, "FINISHED")
        return opened

    def metrics(self, points: Iterable[Point]) -> None:
        """Write values, without those that are there."""
        from mlflow.entities import Metric

        new = [(_name(point.name), point) for point in points]
        batch = [
            Metric(name, point.value, point.milliseconds, point.step)
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


@dataclass(frozen=True)
class _Experiment:
    """An experiment of a store, which is there.

    Attributes:
        client: MLflow's, of that store.
        id: of the experiment.
        folder: of the local store.
    """

    client: Any
    id: str
    target: Target
    folder: Path

    @classmethod
    def open(cls, folder: Path, target: Target) -> Self:
        """The experiment that is meant; made when there is none of its name."""
        client_class = _import_mlflow()
        if target.address is not None:
            client = client_class(target.address, target.address)
            return cls(client, _id_of(client, target, None), target, folder)
        folder.mkdir(parents=True, exist_ok=True)
        # A cluster's TTPs share the folder, and MLflow makes its tables when it first comes by.
        with FileLock(folder / ".lock"):
            store = f"sqlite:///{folder / 'mlflow.db'}"
            client = client_class(store, store)
            files = folder_of(folder, target.collaboration)
            return cls(client, _id_of(client, target, files.absolute().as_uri()), target, folder)

    def runs_of_job(self, job_id: str) -> list[Any]:
        """The run of a job, if it has one already."""
        return list(self.client.search_runs([self.id], f"tags.`{JOB_TAG}` = '{job_id}'", max_results=1))

    def newest_finished(self) -> list[Any]:
        """The newest training of the run that finished, if there is one."""
        wanted = f"tags.`{RUN_TAG}` = '{self.target.run}' AND attributes.status = 'FINISHED'"
        newest_first = ["attributes.start_time DESC"]
        return list(self.client.search_runs([self.id], wanted, max_results=1, order_by=newest_first))

    def create_run(self, tags: Mapping[str, str]) -> Any:
        """A new MLflow run of the run."""
        return self.client.create_run(self.id, tags={RUN_TAG: self.target.run, **tags}, run_name=self.target.run)

    def study_run(self, study_id: str) -> Any:
        """The run of a study; made when there is none."""
        if found := self._runs_of_study(study_id):
            return found[0]
        self.client.create_run(self.id, tags={STUDY_TAG: study_id}, run_name=study_id)
        # Trials run at the same time, and somebody else may have made one too: all take the same.
        [first, *others] = self._runs_of_study(study_id)
        for other in others:
            self.client.delete_run(other.info.run_id)
        return first

    def _runs_of_study(self, study_id: str) -> list[Any]:
        found = self.client.search_runs([self.id], f"tags.`{STUDY_TAG}` = '{study_id}'")
        return sorted(found, key=lambda run: (run.info.start_time, run.info.run_id))

    def check_place(self, uri: str, run_id: str) -> str:
        """Where the files of an MLflow run go, or those of its model.

        Raises:
            PlaceNotAllowed: they may not go where the store says.
        """
        if self.target.address is not None:
            return check_remote(uri, self.target.address)
        return check_local(uri, self.folder, self.target.collaboration, run_id)


def _id_of(client: Any, target: Target, artifacts: str | None) -> str:
    """The id of the experiment, which is there then."""
    experiment = client.get_experiment_by_name(target.experiment)
    if experiment is None:
        return str(client.create_experiment(target.experiment, artifact_location=artifacts))
    if experiment.lifecycle_stage == "deleted":
        # Somebody threw it away by hand; its name stays taken all the same.
        client.restore_experiment(experiment.experiment_id)
    return str(experiment.experiment_id)


def _fault_of(error: BaseException) -> Fault:
    """Whom to blame for what was raised; of connections MLflow tells by errors of its own, which come from others."""
    if isinstance(error, PlaceNotAllowed):
        return Fault.REFUSED
    if isinstance(error, ModelNotWritten):
        return Fault.REFUSED if error.is_final else Fault.FAILING
    status = getattr(error, "get_http_status_code", lambda: 0)()
    each: BaseException | None = error
    while each is not None:
        if isinstance(each, Strayed):
            return Fault.FAILING
        if isinstance(each, RequestsConnectionError | Timeout | TimeoutError):
            return Fault.AWAY
        each = each.__cause__ or each.__context__
    if status in _UNKNOWN:
        return Fault.AWAY
    is_ours = HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR and status not in _TRANSIENT
    return Fault.REFUSED if is_ours else Fault.FAILING


def _shortened(detail: str) -> str:
    """Both ends of what went wrong: there may be a whole answer of a server between them."""
    return detail if len(detail) <= 2 * _LONGEST else f"{detail[:_LONGEST]}…{detail[-_LONGEST:]}"


def _import_mlflow() -> Any:
    """MLflow's client class; only the first call takes its time."""
    for name, value in _SETTINGS.items():
        # MLflow takes these from the environment and from nowhere else.
        os.environ.setdefault(name, value)
    os.environ.update(_RULES)
    from mlflow.tracking import MlflowClient

    return MlflowClient


def _name(text: str) -> str:
    """A name that MLflow takes; different texts have different names, so that nobody overwrites another's."""
    return re.sub(r"[^\w .\-]", lambda found: f":{ord(found[0]):02x}", text)
