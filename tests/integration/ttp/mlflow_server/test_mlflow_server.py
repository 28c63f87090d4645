"""A real MLflow server that asks for a password: what it has of trainings, studies and models, also where its answers are lost."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import requests
import torch

from factories.outputs import measured, validated
from servers.mlflow_server import runs_of
from support.tracked_trainings import LOGIN, only_run, subject, train, until
from synergos import load_model
from synergos_ttp.tracking.mlflow_store import MlflowStore
from synergos_ttp.tracking.mlflow_tracker import MlflowTracker
from synergos_ttp.tracking.note_spool import NoteSpool
from synergos_ttp.tracking.notes import Fault, Notes, NotWritten, OfStudy
from synergos_ttp.tracking.tracker import Status, StudyEnd

pytestmark = pytest.mark.timeout(600)

ROWS = pd.DataFrame({"lactate": [4.4, 0.1], "site": 3.0, "ward": ["icu", "normal"]})


class LosesAnswers:
    """Writes everything, and says of each the first time that it could not."""

    def __init__(self, writer: MlflowStore) -> None:
        self._writer = writer
        self._said: set[str] = set()

    def write(self, notes: Notes) -> None:
        self._writer.write(notes)
        what = type(notes).__name__ + str(len(getattr(notes, "points", ())))
        if what not in self._said:
            self._said.add(what)
            # The process that has written is not there to be asked any more.
            self._writer = MlflowStore(Path("unused"))
            raise NotWritten("TrackingProcessEnded", "", Fault.AWAY)

    def close(self) -> None:
        self._writer.close()


def test_nobody_reads_without_the_password(address: str) -> None:
    question = f"{address}/api/2.0/mlflow/experiments/search?max_results=1"
    with requests.Session() as session:
        session.trust_env = False

        assert session.get(question, timeout=60).status_code == 401
        assert session.get(question, auth=(LOGIN.user, "another long one"), timeout=60).status_code == 401
        assert session.get(question, auth=(LOGIN.user, LOGIN.password), timeout=60).status_code == 200


def test_it_answers_to_its_own_names_alone(address: str) -> None:
    with requests.Session() as session:
        session.trust_env = False
        session.auth = (LOGIN.user, LOGIN.password)
        named = session.get(address, headers={"Host": "evil.example"}, timeout=60)
        own = session.get(f"{address}/api/2.0/mlflow/experiments/search?max_results=1", timeout=60)

    assert named.status_code == 403
    assert own.headers["X-Frame-Options"] == "SAMEORIGIN"


def test_a_model_can_be_loaded_as_one_of_mlflows_and_is_a_version_where_that_is_wanted(
    tracker: MlflowTracker, client: Any, address: str, exports: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = subject(address, "wanted", registers=True)

    train(tracker, where, "a" * 32, exports)
    until(lambda: bool(client.search_model_versions("name = 'risk_>_logistic'")), "a version", 300)

    run = only_run(client, "wanted")
    [version] = client.search_model_versions("name = 'risk_>_logistic'")
    assert (version.run_id, version.tags["synergos.experiment"]) == (run.info.run_id, "wanted_>_risk_>_logistic")
    [model] = client.search_logged_models([run.info.experiment_id])
    assert (model.name, model.source_run_id, str(model.status)) == ("model", run.info.run_id, "READY")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    with warnings.catch_warnings():
        # MLflow's own, of its own parts.
        warnings.simplefilter("ignore")
        import mlflow.pyfunc
        import mlflow.pytorch

        loaded = mlflow.pyfunc.load_model(f"models:/{version.name}/{version.version}")
        network = mlflow.pytorch.load_model(f"models:/{model.model_id}")
        found = loaded.predict(ROWS)
    own = load_model(exports)
    pd.testing.assert_frame_equal(found, own.predict(ROWS))
    inputs = np.random.default_rng(0).random((3, 4)).astype(np.float32)
    with torch.no_grad():
        assert np.abs(network(torch.from_numpy(inputs)).numpy() - own.infer(inputs)[0]).max() <= 1e-6
    assert loaded.metadata.signature is not None
    assert loaded.input_example.to_dict("records") == [{"lactate": 2.7, "site": 3.0, "ward": "normal"}]


def test_nothing_is_registered_that_nobody_wants_registered(
    tracker: MlflowTracker, client: Any, address: str, exports: Path
) -> None:
    train(tracker, subject(address, "unwanted"), "b" * 32, exports)
    run = only_run(client, "unwanted")
    until(lambda: bool(client.search_logged_models([run.info.experiment_id])), "the model", 300)
    tracker.close()

    assert client.search_model_versions(f"run_id = '{run.info.run_id}'") == []


def test_trials_lie_below_their_study_whose_best_model_is_the_version(
    tracker: MlflowTracker, client: Any, address: str, exports: Path
) -> None:
    for number, job in enumerate(("c" * 32, "d" * 32)):
        where = subject(address, "studied", f"optim_run_{number}", registers=True)
        train(tracker, where, job, exports, OfStudy("study_1", number))
    during = {run.info.run_name: run.info.status for run in runs_of(client, "studied_>_risk_>_logistic")}
    [(known, (of_study, jobs))] = tracker.studies().items()

    tracker.study_ended(of_study, known, StudyEnd(Status.FINISHED, {"best_R2": 0.5}, "d" * 32, is_best_own=True))
    named = "tags.`synergos.experiment` = 'studied_>_risk_>_logistic'"
    until(lambda: bool(client.search_model_versions(named)), "a version", 300)
    tracker.close()

    runs = {run.info.run_name: run for run in runs_of(client, "studied_>_risk_>_logistic")}
    study = runs.pop("study_1")
    assert jobs == ["c" * 32, "d" * 32]
    assert during["study_1"] == "RUNNING"
    assert (study.info.status, study.data.metrics, study.data.tags["synergos.best_run"]) == (
        "FINISHED",
        {"best_R2": 0.5},
        "optim_run_1",
    )
    assert {run.data.tags["mlflow.parentRunId"] for run in runs.values()} == {study.info.run_id}
    assert [run.data.tags["synergos.trial"] for _, run in sorted(runs.items())] == ["0", "1"]
    [version] = client.search_model_versions(named)
    assert version.run_id == runs["optim_run_1"].info.run_id


def test_what_was_written_and_not_acknowledged_is_there_once(
    tmp_path: Path, client: Any, address: str, exports: Path
) -> None:
    writer = LosesAnswers(MlflowStore(tmp_path / "mlflow"))
    tracker = MlflowTracker(NoteSpool(tmp_path / "spool"), writer, interval=0.01, deadline=300)
    tracker.start()
    where = subject(address, "once", registers=True)

    train(tracker, where, "e" * 32, exports)
    tracker.validated(where, validated(hospital_1=measured(MSE=1.5)), "e" * 32)
    until(
        lambda: bool(client.search_model_versions("tags.`synergos.experiment` = 'once_>_risk_>_logistic'")), "it", 300
    )
    until(lambda: "hospital_1_MSE" in only_run(client, "once").data.metrics, "the validation", 300)
    tracker.close()

    run = only_run(client, "once")
    assert run.info.status == "FINISHED"
    for name, value in {"global_train_loss": 0.5, "hospital_1_local_loss": 0.75, "hospital_1_MSE": 1.5}.items():
        assert [each.value for each in client.get_metric_history(run.info.run_id, name)] == [value], name
    assert len(client.search_logged_models([run.info.experiment_id])) == 1
    assert len(client.search_model_versions(f"run_id = '{run.info.run_id}'")) == 1
    assert len(client.get_run(run.info.run_id).outputs.model_outputs) == 1
