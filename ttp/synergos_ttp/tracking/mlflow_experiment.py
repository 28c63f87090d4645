"""An experiment of an MLflow store: opened, or made; the MLflow runs that are in it, and where their files may go.

The first one that is opened imports MLflow, which takes seconds and 100 MiB: a process of its own does.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from filelock import FileLock

from synergos_ttp.tracking.artifact_places import check_local, check_remote, folder_of
from synergos_ttp.tracking.notes import Target

JOB_TAG, RUN_TAG, STUDY_TAG = "synergos.job", "synergos.run", "synergos.study"
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


@dataclass(frozen=True)
class Experiment:
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


def _import_mlflow() -> Any:
    """MLflow's client class; only the first call takes its time."""
    for name, value in _SETTINGS.items():
        # MLflow takes these from the environment and from nowhere else.
        os.environ.setdefault(name, value)
    os.environ.update(_RULES)
    from mlflow.tracking import MlflowClient

    return MlflowClient
