"""Trained models as MLflow has models: a folder that it loads, in its list of models, and in its registry."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from synergos_ttp.tracking.login import without_login
from synergos_ttp.tracking.model_form import NEVER

NAME = "model"
_FORM = "mlflow_form"
_SAID = 2000


class ModelNotWritten(Exception):
    """A model has not the form that MLflow loads.

    Attributes:
        is_final: whether it never will.
    """

    def __init__(self, detail: str, *, is_final: bool) -> None:
        super().__init__(detail)
        self.is_final = is_final


class NotWrittenYet(Exception):
    """Something else has to be written first."""


class TrainingModel:
    """The model of one training in an MLflow store.

    Args:
        client: MLflow's, of that store.
        run_id: of the training's MLflow run.
    """

    def __init__(self, client: Any, experiment_id: str, run_id: str) -> None:
        self._client = client
        self._experiment_id = experiment_id
        self._run_id = run_id

    def find(self) -> Any | None:
        """The model, if it is there as a whole."""
        return next((model for model in self._all() if str(model.status) == "READY"), None)

    def write(self, exports: Path, check_place: Callable[[str, str], str]) -> Any:
        """Write it.

        Args:
            exports: the folder with its files.
            check_place: of where its files go, and the run; raises where they may not.

        Raises:
            ModelNotWritten: it has no form that MLflow loads.
        """
        from mlflow.entities import LoggedModelOutput
        from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

        unfinished = self._all()
        model = unfinished[0] if unfinished else self._created()
        place = check_place(str(model.artifact_location), self._run_id)
        form = _form_of(exports)
        _say_where(form, self._run_id, model)
        get_artifact_repository(place, tracking_uri=self._client.tracking_uri).log_artifacts(str(form))
        outputs = self._client.get_run(self._run_id).outputs
        if model.model_id not in {each.model_id for each in (outputs.model_outputs if outputs else [])}:
            self._client.log_outputs(self._run_id, [LoggedModelOutput(model.model_id, step=0)])
        return self._client.finalize_logged_model(model.model_id, "READY")

    def register(self, model: Any, name: str, experiment: str) -> None:
        """Make it a version of a registered model, once."""
        from mlflow.exceptions import MlflowException

        found = self._client.search_model_versions(f"run_id = '{self._run_id}'")
        if any(version.name == name for version in found):
            return
        try:
            self._client.create_registered_model(name)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
        self._client.create_model_version(
            name,
            f"models:/{model.model_id}",
            self._run_id,
            tags={"synergos.experiment": experiment},
            model_id=model.model_id,
            await_creation_for=0,
        )

    def _all(self) -> list[Any]:
        wanted = f"source_run_id = '{self._run_id}'"
        return list(self._client.search_logged_models([self._experiment_id], wanted))

    def _created(self) -> Any:
        return self._client.create_logged_model(self._experiment_id, NAME, self._run_id)


def _form_of(exports: Path) -> Path:
    """The folder that MLflow loads, written by a process that ends then: it takes torch, of which this one knows nothing."""
    form = exports / _FORM
    shutil.rmtree(form, ignore_errors=True)
    command = [sys.executable, "-P", "-W", "ignore", "-m", "synergos_ttp.tracking.model_form", str(exports), str(form)]
    done = subprocess.run(  # noqa: S603 - ours
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        check=False,
        env={**without_login(os.environ), "OMP_NUM_THREADS": "1"},
    )
    if done.returncode:
        # Whoever had no memory or no disk may find some next time.
        raise ModelNotWritten(done.stderr.decode(errors="replace")[-_SAID:], is_final=done.returncode == NEVER)
    return form


def _say_where(form: Path, run_id: str, model: Any) -> None:
    """Have the folder say which model it is, as MLflow's own do."""
    described = form / "MLmodel"
    content = yaml.safe_load(described.read_text(encoding="utf-8"))
    content |= {"run_id": run_id, "model_id": model.model_id, "artifact_path": str(model.artifact_location)}
    described.write_text(yaml.safe_dump(content, sort_keys=True), encoding="utf-8")
