"""MLflow: the only module that knows it.

Jobs leave notes and go on; a thread of its own imports MLflow (seconds) and writes the notes down, at most one batch a
second, so that rounds of milliseconds stay rounds of milliseconds. A server that does not answer is logged once a job.
"""

from __future__ import annotations

import math
import os
import queue
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import structlog
from filelock import FileLock

from synergos.program.log_context import in_context
from synergos_ttp.tracking.tracker import Combination, Status

log = structlog.get_logger(__name__)

JOB_TAG, RUN_TAG = "synergos.job", "synergos.run"
_BATCH = 1000
"""Metrics in one request; a server takes no more."""
_MOST_POINTS = 200_000
"""Notes that are kept while a server does not answer; later ones are lost."""
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


@dataclass(frozen=True)
class Point:
    """One value of one metric."""

    name: str
    value: float
    step: int
    milliseconds: int = field(default_factory=lambda: int(time.time() * 1000))


class MlflowTracker:
    """Writes to the server a collaboration names, or to an SQLite store with its artifacts in a folder.

    An MLflow experiment is ``<collab>_>_<project>_>_<expt>``; every training is a new MLflow run named ``<run>`` with the
    job's id as a tag, so that training again keeps what was there. Validations go to the newest one that finished.

    Args:
        folder: of the local store; made when it is needed.
        interval: least seconds between two batches.
        deadline: seconds for which the end of a job waits until its notes are written.
    """

    def __init__(self, folder: Path, *, interval: float = 1.0, deadline: float = 5.0) -> None:
        self._folder = folder
        self._interval = interval
        self._deadline = deadline
        self._tasks: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._loop, name="tracking", daemon=True)

    def start(self) -> None:
        """Import MLflow, and write what comes."""
        self._thread.start()

    def close(self) -> None:
        """Write what there is, within the deadline."""
        self._tasks.put(None)
        if self._thread.is_alive():
            self._thread.join(self._deadline)

    def training(self, combination: Combination, job_id: str, parameters: Mapping[str, Any]) -> FollowedTraining:
        """See :class:`synergos_ttp.tracking.tracker.Tracker`."""
        followed = FollowedTraining(self._folder, combination, job_id, parameters, self._interval, self._deadline)
        self._tasks.put(in_context(followed.write))
        return followed

    def validated(self, combination: Combination, statistics: Mapping[str, Mapping[str, Any]]) -> None:
        """See :class:`synergos_ttp.tracking.tracker.Tracker`."""
        points = list(_points_of(statistics))
        done = self._soon(combination, lambda: MlflowRun.latest(self._folder, combination).metrics(points))
        done.wait(self._deadline)

    def abandoned(self, combination: Combination, job_id: str) -> None:
        """See :class:`synergos_ttp.tracking.tracker.Tracker`; nobody waits for it."""
        self._soon(combination, lambda: MlflowRun.abandon(self._folder, combination, job_id))

    def _soon(self, combination: Combination, write: Callable[[], None]) -> threading.Event:
        """Have the thread write something; what is set when it has, or has failed."""
        done = threading.Event()

        def attempt() -> None:
            try:
                write()
            except Exception as error:
                _warn(combination, error)
            finally:
                done.set()

        self._tasks.put(in_context(attempt))
        return done

    def _loop(self) -> None:
        try:
            _import_mlflow()
        except Exception:
            # Whatever comes is attempted all the same, and says so in the log.
            log.exception("MLflow cannot be used")
        while (task := self._tasks.get()) is not None:
            task()


class FollowedTraining:
    """One training; the job's thread leaves notes, the tracker's thread writes them until the training has ended."""

    def __init__(
        self,
        folder: Path,
        combination: Combination,
        job_id: str,
        parameters: Mapping[str, Any],
        interval: float,
        deadline: float,
    ) -> None:
        self._open: Callable[[], MlflowRun] = lambda: MlflowRun.of_job(folder, combination, job_id, parameters)
        self._combination = combination
        self._interval = interval
        self._deadline = deadline
        self._points: list[Point] = []
        self._exports: Path | None = None
        self._status: Status | None = None
        self._news, self._ended, self._written = threading.Event(), threading.Event(), threading.Event()
        self._run: MlflowRun | None = None
        self._failed = self._warned = False

    def trained(self, number: int, loss: float | None, local: Mapping[str, float | None]) -> None:
        """See :class:`synergos_ttp.tracking.tracker.TrackedRun`."""
        self._note(number, {"global_train_loss": loss} | {f"{who}_local_loss": own for who, own in local.items()})

    def evaluated(self, number: int, loss: float | None) -> None:
        """See :class:`synergos_ttp.tracking.tracker.TrackedRun`."""
        self._note(number, {"global_evaluate_loss": loss})

    def end(self, status: Status | None, exports: Path | None) -> None:
        """See :class:`synergos_ttp.tracking.tracker.TrackedRun`."""
        self._status, self._exports = status, exports
        self._ended.set()
        self._news.set()
        if not self._failed:
            self._written.wait(self._deadline)

    def _note(self, number: int, losses: Mapping[str, float | None]) -> None:
        known = {name: loss for name, loss in losses.items() if loss is not None}
        if len(self._points) + len(known) <= _MOST_POINTS:
            self._points.extend(Point(name, loss, number) for name, loss in known.items())
        self._news.set()

    def write(self) -> None:
        """Write notes as they come, until the training has ended."""
        ended = False
        try:
            while not ended:
                self._news.clear()
                ended = self._ended.is_set()
                self._attempt(ended)
                if not ended:
                    self._news.wait()
                    self._ended.wait(self._interval)
        finally:
            self._written.set()

    def _attempt(self, ended: bool) -> None:
        try:
            self._run = self._run or self._open()
            while batch := self._points[:_BATCH]:
                self._run.metrics(batch)
                del self._points[: len(batch)]
            if ended:
                self._run.end(self._exports, self._status)
            self._failed = False
        except Exception as error:
            if not self._warned:
                _warn(self._combination, error)
            self._warned = self._failed = True


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
    def of_job(cls, folder: Path, combination: Combination, job_id: str, parameters: Mapping[str, Any]) -> MlflowRun:
        """The run of a training; the same job, taken up again, finds its own."""
        client, experiment = _open(folder, combination)
        found = _runs_of_job(client, experiment, job_id)
        run = found[0] if found else _create(client, experiment, combination, {JOB_TAG: job_id})
        if not run.data.params:
            from mlflow.entities import Param

            given = [Param(_name(key), str(value)) for key, value in parameters.items() if value is not None]
            client.log_batch(run.info.run_id, params=given)
        opened = cls(client, run)
        for name in run.data.metrics:
            opened.known |= {(name, metric.step) for metric in client.get_metric_history(run.info.run_id, name)}
        return opened

    @classmethod
    def abandon(cls, folder: Path, combination: Combination, job_id: str) -> None:
        """A training that began and never goes on has failed."""
        client, experiment = _open(folder, combination)
        for run in _runs_of_job(client, experiment, job_id):
            if run.info.status == "RUNNING":
                cls(client, run).end(None, Status.FAILED)

    @classmethod
    def latest(cls, folder: Path, combination: Combination) -> MlflowRun:
        """The newest finished training of a combination; an empty run if none was written down."""
        client, experiment = _open(folder, combination)
        wanted = f"tags.`{RUN_TAG}` = '{combination.run.run_id}' AND attributes.status = 'FINISHED'"
        found = client.search_runs([experiment], wanted, max_results=1, order_by=["attributes.start_time DESC"])
        run = found[0] if found else _create(client, experiment, combination, {})
        opened = cls(client, run)
        if not found:
            opened.end(None, Status.FINISHED)
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

    def end(self, exports: Path | None, status: Status | None) -> None:
        """Write the final files, and how it ended; None leaves it running."""
        if exports is not None:
            self._client.log_artifacts(self._id, str(exports))
        if status is not None:
            self._client.set_terminated(self._id, status.value)


def _open(folder: Path, combination: Combination) -> tuple[Any, str]:
    """A client of the combination's store, and the id of its experiment there."""
    client_class = _import_mlflow()
    if combination.address is not None:
        client = client_class(combination.address)
        return client, _experiment(client, combination, None)
    folder.mkdir(parents=True, exist_ok=True)
    # A cluster's TTPs share the folder, and MLflow makes its tables when it first comes by.
    with FileLock(folder / ".lock"):
        client = client_class(f"sqlite:///{folder / 'mlflow.db'}")
        return client, _experiment(client, combination, (folder / "artifacts").as_uri())


def _experiment(client: Any, combination: Combination, artifacts: str | None) -> str:
    """The id of the combination's experiment, which is there then."""
    name = "_>_".join(combination.run.experiment.ids)
    experiment = client.get_experiment_by_name(name)
    if experiment is None:
        return str(client.create_experiment(name, artifact_location=artifacts))
    if experiment.lifecycle_stage == "deleted":
        # Somebody threw it away by hand; its name stays taken all the same.
        client.restore_experiment(experiment.experiment_id)
    return str(experiment.experiment_id)


def _runs_of_job(client: Any, experiment: str, job_id: str) -> list[Any]:
    """The run of a job, if it has one already."""
    return list(client.search_runs([experiment], f"tags.`{JOB_TAG}` = '{job_id}'", max_results=1))


def _create(client: Any, experiment: str, combination: Combination, tags: Mapping[str, str]) -> Any:
    return client.create_run(
        experiment, tags={RUN_TAG: combination.run.run_id, **tags}, run_name=combination.run.run_id
    )


def _import_mlflow() -> Any:
    """MLflow's client class; only the first call takes its time."""
    for name, value in _SETTINGS.items():
        # MLflow takes these from the environment and from nowhere else.
        os.environ.setdefault(name, value)
    from mlflow.tracking import MlflowClient

    return MlflowClient


def _points_of(statistics: Mapping[str, Mapping[str, Any]]) -> Iterator[Point]:
    """A value for every statistic that is a number, one per class where it is a list."""
    for participant, own in statistics.items():
        for statistic, value in own.items():
            name = f"{participant}_{statistic}"
            if isinstance(value, list):
                named = {f"{name}_class_{index}": each for index, each in enumerate(value)}
            else:
                named = {name: value}
            yield from (Point(each, float(found), 0) for each, found in named.items() if _is_number(found))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _name(text: str) -> str:
    """A name that MLflow takes; different texts have different names, so that nobody overwrites another's."""
    return re.sub(r"[^\w .\-]", lambda found: f":{ord(found[0]):02x}", text)


def _warn(combination: Combination, error: Exception) -> None:
    log.warning("MLflow takes no notes", address=combination.address, reason=type(error).__name__, **combination.run)
    log.debug("MLflow's reason", exc_info=error)
