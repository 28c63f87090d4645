"""MLflow: the only module that knows it. Importing it takes seconds and 100 MiB, which is why a process of its own does."""

from __future__ import annotations

import os
import re
import traceback
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from filelock import FileLock

from synergos_ttp.tracking.notes import AbandonedNotes, Notes, NotWritten, Point, Target, TrainingNotes, ValidationNotes

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
            match notes:
                case TrainingNotes():
                    self._follow(notes)
                case ValidationNotes():
                    MlflowRun.latest(self._folder, notes.target).metrics(notes.points)
                case AbandonedNotes():
                    MlflowRun.abandon(self._folder, notes.target, notes.job_id)
        except Exception as error:
            if isinstance(notes, TrainingNotes):
                # Opened anew next time, which tells what was written of these notes.
                self._runs.pop(notes.job_id, None)
            raise NotWritten(type(error).__name__, traceback.format_exc()) from error

    def close(self) -> None:
        """See :class:`synergos_ttp.tracking.notes.Writer`."""

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

    def __init__(self, client: Any, run: Any) -> None:
        self._client = client
        self._id: str = run.info.run_id
        self.known: set[tuple[str, int]] = set()

    @classmethod
    def of_job(cls, folder: Path, target: Target, job_id: str, parameters: Mapping[str, str]) -> MlflowRun:
        """The run of a training; the same job, taken up again, finds its own."""
        client, experiment = _open(folder, target)
        found = _runs_of_job(client, experiment, job_id)
        run = found[0] if found else _create(client, experiment, target, {JOB_TAG: job_id})
        if not run.data.params:
            from mlflow.entities import Param

            given = [Param(_name(key), value) for key, value in parameters.items()]
            client.log_batch(run.info.run_id, params=given)
        opened = cls(client, run)
        for name in run.data.metrics:
            opened.known |= {(name, metric.step) for metric in client.get_metric_history(run.info.run_id, name)}
        return opened

    @classmethod
    def abandon(cls, folder: Path, target: Target, job_id: str) -> None:
        """A training that began and never goes on has failed."""
        client, experiment = _open(folder, target)
        for run in _runs_of_job(client, experiment, job_id):
            if run.info.status == "RUNNING":
                cls(client, run).end(None, "FAILED")

    @classmethod
    def latest(cls, folder: Path, target: Target) -> MlflowRun:
        """The newest finished training of a run; an empty run if none was written down."""
        client, experiment = _open(folder, target)
        wanted = f"tags.`{RUN_TAG}` = '{target.run}' AND attributes.status = 'FINISHED'"
        found = client.search_runs([experiment], wanted, max_results=1, order_by=["attributes.start_time DESC"])
        run = found[0] if found else _create(client, experiment, target, {})
        opened = cls(client, run)
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
        """Write the final files, and how it ended; None leaves it running."""
        if exports is not None:
            # The files of this training; those of the ones before lie in a folder beside them.
            for path in sorted(Path(exports).iterdir()):
                if path.is_file():
                    self._client.log_artifact(self._id, str(path))
        if status is not None:
            self._client.set_terminated(self._id, status)


def _open(folder: Path, target: Target) -> tuple[Any, str]:
    """A client of the store that is meant, and the id of the experiment there."""
    client_class = _import_mlflow()
    if target.address is not None:
        client = client_class(target.address)
        return client, _experiment(client, target, None)
    folder.mkdir(parents=True, exist_ok=True)
    # A cluster's TTPs share the folder, and MLflow makes its tables when it first comes by.
    with FileLock(folder / ".lock"):
        client = client_class(f"sqlite:///{folder / 'mlflow.db'}")
        return client, _experiment(client, target, (folder / "artifacts").as_uri())


def _experiment(client: Any, target: Target, artifacts: str | None) -> str:
    """The id of the experiment, which is there then."""
    experiment = client.get_experiment_by_name(target.experiment)
    if experiment is None:
        return str(client.create_experiment(target.experiment, artifact_location=artifacts))
    if experiment.lifecycle_stage == "deleted":
        # Somebody threw it away by hand; its name stays taken all the same.
        client.restore_experiment(experiment.experiment_id)
    return str(experiment.experiment_id)


def _runs_of_job(client: Any, experiment: str, job_id: str) -> list[Any]:
    """The run of a job, if it has one already."""
    return list(client.search_runs([experiment], f"tags.`{JOB_TAG}` = '{job_id}'", max_results=1))


def _create(client: Any, experiment: str, target: Target, tags: Mapping[str, str]) -> Any:
    return client.create_run(experiment, tags={RUN_TAG: target.run, **tags}, run_name=target.run)


def _import_mlflow() -> Any:
    """MLflow's client class; only the first call takes its time."""
    for name, value in _SETTINGS.items():
        # MLflow takes these from the environment and from nowhere else.
        os.environ.setdefault(name, value)
    from mlflow.tracking import MlflowClient

    return MlflowClient


def _name(text: str) -> str:
    """A name that MLflow takes; different texts have different names, so that nobody overwrites another's."""
    return re.sub(r"[^\w .\-]", lambda found: f":{ord(found[0]):02x}", text)
