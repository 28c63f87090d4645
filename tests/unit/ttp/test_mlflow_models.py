"""A model that cannot be brought into MLflow's form is given up where it never can be, and nowhere else; no study waits for one."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from synergos.errors import NotSupported
from synergos.model.stored_model import StoredModel
from synergos_ttp.tracking import mlflow_models, model_form
from synergos_ttp.tracking.mlflow_models import ModelNotWritten, NotWrittenYet, TrainingModel
from synergos_ttp.tracking.mlflow_run import MlflowRun
from synergos_ttp.tracking.notes import StudyNotes, Target


@pytest.mark.parametrize(("code", "is_final"), [(2, True), (1, False), (-9, False), (120, False)])
def test_only_a_model_that_has_no_such_form_is_given_up(
    code: int, is_final: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    told: dict[str, Any] = {}

    def run(_command: list[str], **options: Any) -> subprocess.CompletedProcess[bytes]:
        told.update(options)
        return subprocess.CompletedProcess([], code, stderr=b"why")

    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "a rather long one")

    with pytest.raises(ModelNotWritten, match="why") as raised:
        mlflow_models._form_of(tmp_path)

    assert raised.value.is_final is is_final
    assert "MLFLOW_TRACKING_PASSWORD" not in told["env"]


def test_what_has_no_such_form_says_so_and_a_full_disk_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    errors: list[Exception] = [NotSupported("no torch module"), OSError(28, "No space left on device")]

    def to_mlflow(*_: Any) -> None:
        raise errors.pop(0)

    monkeypatch.setattr(StoredModel, "__init__", lambda *_: None)
    monkeypatch.setattr(StoredModel, "to_mlflow", to_mlflow)
    monkeypatch.setattr(sys, "argv", ["model_form", "exports", "target"])

    assert model_form.main() == 2
    with pytest.raises(OSError, match="No space left"):
        model_form.main()


@dataclass
class Client:
    """Of an MLflow store; keeps what it is told."""

    told: list[tuple[str, ...]] = field(default_factory=list)

    def set_tag(self, run: str, name: str, value: str) -> None:
        self.told.append((run, name, value))

    def set_terminated(self, run: str, status: str) -> None:
        self.told.append((run, status))


def test_a_study_has_ended_although_its_best_model_is_not_there_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client()
    best = SimpleNamespace(info=SimpleNamespace(run_id="7", run_name="optim_run_2"))
    experiment: Any = SimpleNamespace(client=client, id="0", runs_of_job=lambda _job: [best])
    study = MlflowRun(experiment, SimpleNamespace(info=SimpleNamespace(run_id="3")))
    monkeypatch.setattr(MlflowRun, "metrics", lambda *_: None)
    monkeypatch.setattr(TrainingModel, "find", lambda _: None)

    with pytest.raises(NotWrittenYet):
        study.end_study(StudyNotes(Target("c_>_p_>_e", "s"), "s", "FINISHED", (), "a" * 32, "p_>_e"))

    assert client.told == [("3", "synergos.best_run", "optim_run_2"), ("3", "FINISHED")]
