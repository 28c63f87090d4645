"""MLflow: the only module that knows it. Importing it takes seconds and 100 MiB, which is why a process of its own does."""

from __future__ import annotations

import os
import re
import traceback
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from filelock import FileLock

from synergos_ttp.tracking.artifact_places import check_local, check_remote, folder_of
from synergos_ttp.tracking.notes import AbandonedNotes, Notes, NotWritten, Point, Target, TrainingNotes, ValidationNotes
from synergos_ttp.tracking.one_server import OneServer, only

_LONGEST = 2000
"""Characters of each end of what MLflow says went wrong."""
JOB_TAG, RUN_TAG = "synergos.job", "synergos.run"
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
    job's id as a tag, so that training again keeps what was there. Validations go to the newest one that finished.

    Args:
        folder: of the local store; made when it is needed.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        # The trainings that go on, by job.
        self._runs: dict[str, MlflowRun] = {}

    def write(self, notes: Notes) -> None:
        """See :class:`synergos_ttp.tracking.notes.Writer`."""
        try:
            with only(OneServer(notes.target.address, notes.target.connect_to)):
                self._write(notes)
        except Exception as error:
            if isinstance(notes, TrainingNotes):
                # Opened anew next time, which tells what was written of these notes.
                self._runs.pop(notes.job_id, None)
            raise NotWritten(type(error).__name__, _shortened(traceback.format_exc())) from error

    def close(self) -> None:
        """See :class:`synergos_ttp.tracking.notes.Writer`."""

    def _write(self, notes: Notes) -> None:
        match notes:
            case TrainingNotes():
                self._follow(notes)
            case ValidationNotes():
                MlflowRun.latest(self._folder, notes.target).metrics(notes.points)
            case AbandonedNotes():
                MlflowRun.abandon(self._folder, notes.target, notes.job_id)

    def _follow(self, notes: TrainingNotes) -> None:
        run = self._runs.get(notes.job_id)
        if run is None:
            run = MlflowRun.of_job(self._folder, notes.target, notes.job_id, notes.parameters)
            self._runs[notes.job_id] = run
        run.metrics(notes.points)
        if notes.ending is not None:
            run.end(notes.ending.exports, notes.ending.status)
            del self._runs[notes.job_id]


class MlflowRun:
    """One run in an MLflow store.

    Attributes:
        known: the losses that an earlier process wrote, as name and round.
    """

    def __init__(self, experiment: _Experiment, run: Any) -> None:
        self._experiment = experiment
        self._client = experiment.client
        self._run = run
        self._id: str = run.info.run_id
        self.known: set[tuple[str, int]] = set()

    @classmethod
    def of_job(cls, folder: Path, target: Target, job_id: str, parameters: Mapping[str, str]) -> MlflowRun:
        """The run of a training; the same job, taken up again, finds its own."""
        experiment = _Experiment.open(folder, target)
        found = experiment.runs_of_job(job_id)
        run = found[0] if found else experiment.create_run({JOB_TAG: job_id})
        opened = cls(experiment, run)
        if not run.data.params:
            from mlflow.entities import Param

            given = [Param(_name(key), value) for key, value in parameters.items()]
            experiment.client.log_batch(run.info.run_id, params=given)
        for name in run.data.metrics:
            opened.known |= {(name, metric.step) for metric in experiment.client.get_metric_history(opened._id, name)}
        return opened

    @classmethod
    def abandon(cls, folder: Path, target: Target, job_id: str) -> None:
        """A training that began and never goes on has failed."""
        experiment = _Experiment.open(folder, target)
        for run in experiment.runs_of_job(job_id):
            if run.info.status == "RUNNING":
                cls(experiment, run).end(None, "FAILED")

    @classmethod
    def latest(cls, folder: Path, target: Target) -> MlflowRun:
        """The newest finished training of a run; an empty run if none was written down."""
        experiment = _Experiment.open(folder, target)
        found = experiment.newest_finished()
        opened = cls(experiment, found[0] if found else experiment.create_run({}))
        if not found:
            opened.end(None, "FINISHED")
        return opened

    def metrics(self, points: Iterable[Point]) -> None:
        """Write values, without those an earlier process wrote."""
        from mlflow.entities import Metric

        new = [(_name(point.name), point) for point in points]
        batch = [
            Metric(name, point.value, point.milliseconds, point.step)
            for name, point in new
            if (name, point.step) not in self.known
        ]
        if batch:
            self._client.log_batch(self._id, metrics=batch)

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
        place = self._experiment.place_of(self._run.info)
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
            client = client_class(target.address)
            return cls(client, _id_of(client, target, None), target, folder)
        folder.mkdir(parents=True, exist_ok=True)
        # A cluster's TTPs share the folder, and MLflow makes its tables when it first comes by.
        with FileLock(folder / ".lock"):
            client = client_class(f"sqlite:///{folder / 'mlflow.db'}")
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

    def place_of(self, run: Any) -> str:
        """Where the files of an MLflow run go.

        Raises:
            PlaceNotAllowed: they may not go where the store says.
        """
        if self.target.address is not None:
            return check_remote(str(run.artifact_uri), self.target.address)
        return check_local(str(run.artifact_uri), self.folder, self.target.collaboration, str(run.run_id))


def _id_of(client: Any, target: Target, artifacts: str | None) -> str:
    """The id of the experiment, which is there then."""
    experiment = client.get_experiment_by_name(target.experiment)
    if experiment is None:
        return str(client.create_experiment(target.experiment, artifact_location=artifacts))
    if experiment.lifecycle_stage == "deleted":
        # Somebody threw it away by hand; its name stays taken all the same.
        client.restore_experiment(experiment.experiment_id)
    return str(experiment.experiment_id)


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
