"""What people find in MLflow: in the local store, and on a server that the collaboration names."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
from structlog.testing import capture_logs

from factories.outputs import measured, validated
from servers.mlflow_server import history_of, runs_of, tracking_server
from servers.mlflow_store import put_new_store
from servers.nobody import nobody
from synergos.domain.keys import RunKey
from synergos.domain.outputs import Validated
from synergos_ttp.tracking.mlflow_process import NICENESS
from synergos_ttp.tracking.mlflow_store import MlflowStore
from synergos_ttp.tracking.mlflow_tracker import MlflowTracker
from synergos_ttp.tracking.note_spool import NoteSpool
from synergos_ttp.tracking.notes import NotWritten, Point, Target, TrainingNotes
from synergos_ttp.tracking.tracker import Status, TrackingSubject
from synergos_ttp.tracking.writer_process import WriterProcess

DEADLINE = 180.0
"""Seconds: the process gives way to whatever else a busy machine does."""
EXPERIMENT = "heart_>_risk_>_logistic"
PARAMETERS = {"algorithm": "FedAvg", "rounds": 2, "lr": 0.1, "batch_size": None}
HOSPITAL = "hospital_1"
RIVALS = ("run_0", "run_1", "run_2")


def subject(address: str | None = None) -> TrackingSubject:
    return TrackingSubject(RunKey("heart", "risk", "logistic", "first"), address)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "mlflow"


@pytest.fixture
def tracker_for(folder: Path) -> Iterator[Callable[[], MlflowTracker]]:
    made: list[MlflowTracker] = []

    def make() -> MlflowTracker:
        # In this process, so that not every test pays for importing MLflow; the other process is tested below.
        spool = NoteSpool(folder.parent / "spool")
        tracker = MlflowTracker(spool, MlflowStore(folder), interval=0.01, deadline=DEADLINE)
        tracker.start()
        made.append(tracker)
        return tracker

    yield make
    for tracker in reversed(made):
        tracker.close()


@pytest.fixture
def tracker(tracker_for: Callable[[], MlflowTracker]) -> MlflowTracker:
    return tracker_for()


@pytest.fixture
def local(folder: Path, tracker: MlflowTracker) -> Any:
    from mlflow.tracking import MlflowClient

    put_new_store(folder)
    return MlflowClient(f"sqlite:///{folder / 'mlflow.db'}")


@pytest.fixture
def exports(tmp_path: Path) -> Path:
    folder = tmp_path / "outputs"
    folder.mkdir()
    (folder / "global_model.pt").write_bytes(b"weights")
    return folder


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < end, "it was never written"
        time.sleep(0.01)


def train(tracker: MlflowTracker, where: TrackingSubject, job: str, exports: Path, losses: tuple[float, ...]) -> None:
    tracked = tracker.training(where, job, PARAMETERS)
    for number, loss in enumerate(losses):
        tracked.trained(number, loss, {HOSPITAL: loss + 1, "clinic@north": None})
        tracked.evaluated(number, loss * 2)
    tracked.end(Status.FINISHED, exports)


def test_a_training_is_a_run_with_its_parameters_losses_and_files(
    tracker: MlflowTracker, local: Any, exports: Path, folder: Path
) -> None:
    train(tracker, subject(), "a" * 32, exports, (0.5, 0.25))

    [run] = runs_of(local, EXPERIMENT)
    assert (run.info.run_name, run.info.status) == ("first", "FINISHED")
    assert run.data.params == {"algorithm": "FedAvg", "rounds": "2", "lr": "0.1"}
    assert history_of(local, run.info.run_id, "global_train_loss") == {0: 0.5, 1: 0.25}
    assert history_of(local, run.info.run_id, "global_evaluate_loss") == {0: 1.0, 1: 0.5}
    assert history_of(local, run.info.run_id, f"{HOSPITAL}_local_loss") == {0: 1.5, 1: 1.25}
    assert set(run.data.metrics) == {"global_train_loss", "global_evaluate_loss", f"{HOSPITAL}_local_loss"}
    assert [one.path for one in local.list_artifacts(run.info.run_id)] == ["global_model.pt"]
    assert sorted(path.name for path in folder.iterdir()) == [".lock", "artifacts", "mlflow.db"]


def test_losses_can_be_read_while_the_training_goes_on(tracker: MlflowTracker, local: Any) -> None:
    tracked = tracker.training(subject(), "a" * 32, PARAMETERS)
    tracked.trained(0, 0.5, {})
    until(lambda: any("global_train_loss" in run.data.metrics for run in runs_of(local, EXPERIMENT)))
    [seen] = runs_of(local, EXPERIMENT)
    tracked.end(Status.FINISHED, None)

    assert seen.info.status == "RUNNING"
    assert seen.data.metrics == {"global_train_loss": 0.5}


def test_training_again_is_another_run_of_the_same_name(tracker: MlflowTracker, local: Any, exports: Path) -> None:
    train(tracker, subject(), "a" * 32, exports, (0.5,))
    train(tracker, subject(), "b" * 32, exports, (0.125,))

    runs = runs_of(local, EXPERIMENT)
    assert [run.info.run_name for run in runs] == ["first", "first"]
    assert [run.data.tags["synergos.job"] for run in runs] == ["a" * 32, "b" * 32]
    assert [run.data.metrics["global_train_loss"] for run in runs] == [0.5, 0.125]


def test_a_job_that_was_interrupted_goes_on_in_its_run(tracker_for: Callable[[], MlflowTracker], local: Any) -> None:
    first = tracker_for().training(subject(), "a" * 32, PARAMETERS)
    first.trained(0, 0.5, {})
    first.end(None, None)
    [interrupted] = runs_of(local, EXPERIMENT)

    second = tracker_for().training(subject(), "a" * 32, PARAMETERS)
    # It is told everything that went before.
    for number, loss in enumerate((0.5, 0.25)):
        second.trained(number, loss, {})
    second.end(Status.FINISHED, None)

    [run] = runs_of(local, EXPERIMENT)
    assert (interrupted.info.status, run.info.status) == ("RUNNING", "FINISHED")
    losses = local.get_metric_history(run.info.run_id, "global_train_loss")
    assert sorted((loss.step, loss.value) for loss in losses) == [(0, 0.5), (1, 0.25)]


def test_a_job_that_is_given_up_has_failed(tracker_for: Callable[[], MlflowTracker], local: Any, exports: Path) -> None:
    tracker_for().training(subject(), "a" * 32, PARAMETERS).end(None, None)
    tracker = tracker_for()
    train(tracker, subject(), "b" * 32, exports, (0.5,))
    before = [run.info.status for run in runs_of(local, EXPERIMENT)]

    for job in ("a" * 32, "b" * 32, "c" * 32):
        tracker.abandoned(subject(), job)
    tracker.close()

    assert before == ["RUNNING", "FINISHED"]
    assert [run.info.status for run in runs_of(local, EXPERIMENT)] == ["FAILED", "FINISHED"]


@pytest.mark.parametrize("status", [Status.KILLED, Status.FAILED])
def test_a_training_that_did_not_complete_says_so(tracker: MlflowTracker, local: Any, status: Status) -> None:
    tracker.training(subject(), "a" * 32, PARAMETERS).end(status, None)

    [run] = runs_of(local, EXPERIMENT)
    assert run.info.status == status


def found(statistics: dict[str, dict[str, Any]]) -> Validated:
    """What a validation found, by participant."""
    return validated(**{who: measured(**own) for who, own in statistics.items()})


def test_statistics_go_to_the_training_they_measure_one_metric_per_participant(
    tracker: MlflowTracker, local: Any, exports: Path
) -> None:
    train(tracker, subject(), "a" * 32, exports, (0.5,))
    train(tracker, subject(), "b" * 32, exports, (0.25,))
    tracker.training(subject(), "c" * 32, PARAMETERS).end(Status.FAILED, None)

    tracker.validated(subject(), found({HOSPITAL: {"accuracy": [0.5, None], "MSE": 1.5}, "clinic": {"MSE": 2.5}}))
    tracker.validated(subject(), found({"clinic": {"MSE": 3.5, "R2": float("nan")}}))

    before, run, failed = runs_of(local, EXPERIMENT)
    metrics = {name: value for name, value in run.data.metrics.items() if "loss" not in name}
    assert metrics == {f"{HOSPITAL}_accuracy_class_0": 0.5, f"{HOSPITAL}_MSE": 1.5, "clinic_MSE": 3.5}
    assert "clinic_MSE" not in before.data.metrics
    assert failed.data.metrics == {}


def test_statistics_of_a_training_that_nobody_wrote_down_are_kept(tracker: MlflowTracker, local: Any) -> None:
    tracker.validated(subject(), found({HOSPITAL: {"MSE": 1.5}}))
    tracker.validated(subject(), found({"clinic": {"MSE": 2.5}}))

    [run] = runs_of(local, EXPERIMENT)
    assert run.data.metrics == {f"{HOSPITAL}_MSE": 1.5, "clinic_MSE": 2.5}


def test_participants_whose_names_mlflow_refuses_do_not_share_a_metric(tracker: MlflowTracker, local: Any) -> None:
    tracker.validated(subject(), found({"a@b": {"MSE": 1.0}, "a=b": {"MSE": 2.0}, "a:40b": {"MSE": 3.0}}))

    [run] = runs_of(local, EXPERIMENT)
    assert run.data.metrics == {"a:40b_MSE": 1.0, "a:3db_MSE": 2.0, "a:3a40b_MSE": 3.0}


def test_an_experiment_that_somebody_deleted_is_taken_up_again(
    tracker: MlflowTracker, local: Any, exports: Path
) -> None:
    train(tracker, subject(), "a" * 32, exports, (0.5,))
    local.delete_experiment(local.get_experiment_by_name(EXPERIMENT).experiment_id)

    train(tracker, subject(), "b" * 32, exports, (0.25,))

    assert local.get_experiment_by_name(EXPERIMENT).lifecycle_stage == "active"
    assert "b" * 32 in {run.data.tags["synergos.job"] for run in runs_of(local, EXPERIMENT)}


def test_a_server_that_nobody_can_reach_is_logged_once_and_harms_nothing(tracker: MlflowTracker) -> None:
    with nobody() as port, capture_logs() as logs:
        nowhere = f"http://127.0.0.1:{port}"
        tracked = tracker.training(subject(nowhere), "a" * 32, PARAMETERS)
        tracked.trained(0, 0.5, {})
        until(lambda: any(entry["log_level"] == "warning" for entry in logs))
        tracked.end(Status.FINISHED, None)
        # The end is one more attempt.
        tracker.close()

    assert [(entry["event"], entry["address"]) for entry in logs if entry["log_level"] == "warning"] == [
        ("MLflow takes no notes", nowhere)
    ]


def test_a_named_server_gets_losses_while_training_and_files_at_the_end(
    tracker: MlflowTracker, tmp_path: Path, exports: Path, folder: Path
) -> None:
    from mlflow.tracking import MlflowClient

    with tracking_server(tmp_path) as port:
        address = f"http://127.0.0.1:{port}"
        client = MlflowClient(address)
        tracked = tracker.training(subject(address), "a" * 32, PARAMETERS)
        tracked.trained(0, 0.5, {HOSPITAL: 0.75})
        until(lambda: any("global_train_loss" in run.data.metrics for run in runs_of(client, EXPERIMENT)))
        [seen] = runs_of(client, EXPERIMENT)
        tracked.end(Status.FINISHED, exports)
        tracker.validated(subject(address), found({HOSPITAL: {"accuracy": [0.5, 0.25]}}))

        [run] = runs_of(client, EXPERIMENT)
        artifacts = [one.path for one in client.list_artifacts(run.info.run_id)]

    assert seen.info.status == "RUNNING"
    assert (run.info.status, run.data.params["lr"], artifacts) == ("FINISHED", "0.1", ["global_model.pt"])
    assert run.data.metrics == {
        "global_train_loss": 0.5,
        f"{HOSPITAL}_local_loss": 0.75,
        f"{HOSPITAL}_accuracy_class_0": 0.5,
        f"{HOSPITAL}_accuracy_class_1": 0.25,
    }
    assert not folder.exists(), "nothing is kept here"


def test_what_could_not_be_written_is_written_later(tracker: MlflowTracker, folder: Path) -> None:
    from mlflow.tracking import MlflowClient

    folder.write_text("in the way")
    with capture_logs() as logs:
        tracked = tracker.training(subject(), "a" * 32, PARAMETERS)
        tracked.trained(0, 0.5, {})
        until(lambda: any(entry["log_level"] == "warning" for entry in logs))
        folder.unlink()
        tracked.trained(1, 0.25, {})
        until((folder / "mlflow.db").exists)
        tracked.end(Status.FINISHED, None)
    # A job does not wait for a store that failed last time; the tracker's end does.
    tracker.close()

    client = MlflowClient(f"sqlite:///{folder / 'mlflow.db'}")
    [run] = runs_of(client, EXPERIMENT)
    assert history_of(client, run.info.run_id, "global_train_loss") == {0: 0.5, 1: 0.25}


def test_a_job_does_not_wait_for_a_server_that_keeps_silent(folder: Path, exports: Path) -> None:
    tracker = MlflowTracker(NoteSpool(folder.parent / "spool"), WriterProcess(folder), deadline=0.05)
    tracker.start()

    with socket.create_server(("127.0.0.1", 0)) as silent, capture_logs() as logs:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        train(tracker, subject(address), "a" * 32, exports, (0.5, 0.25))
        tracker.validated(subject(address), found({HOSPITAL: {"MSE": 1.0}}))
        given_up = [entry for entry in logs if entry["log_level"] == "warning"]
        tracker.close()

    assert given_up == [], "MLflow's own patience of ten seconds was waited for"


# Each a process of its own, as a cluster's TTPs are; they begin in the same moment.
TRAINING = """
import sys, time
from pathlib import Path
from synergos.domain.keys import RunKey
from synergos_ttp.tracking.mlflow_tracker import MlflowTracker
from synergos_ttp.tracking.note_spool import NoteSpool
from synergos_ttp.tracking.tracker import TrackingSubject, Status
from synergos_ttp.tracking.writer_process import WriterProcess

folder, go, run = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
tracker = MlflowTracker(NoteSpool(folder.parent / "spool"), WriterProcess(folder), interval=0.01, deadline=150)
tracker.start()
print("ready", flush=True)
while not go.exists():
    time.sleep(0.001)
tracker.training(TrackingSubject(RunKey("heart", "risk", "logistic", run), None), run, {}).end(Status.FINISHED, None)
tracker.close()
sys.exit("mlflow" in sys.modules)
"""


def test_two_ttps_may_be_the_first_to_write_to_a_shared_folder(folder: Path, tmp_path: Path) -> None:
    from mlflow.tracking import MlflowClient

    go = tmp_path / "go"
    processes = [
        subprocess.Popen([sys.executable, "-c", TRAINING, folder, go, run], stdout=subprocess.PIPE) for run in RIVALS
    ]
    try:
        said = [process.stdout and process.stdout.readline() for process in processes]
        go.touch()
        codes = [process.wait(DEADLINE) for process in processes]
    finally:
        for process in processes:
            process.kill()
            process.communicate()
    assert (said, codes) == ([b"ready\n"] * len(RIVALS), [0] * len(RIVALS))

    found = runs_of(MlflowClient(f"sqlite:///{folder / 'mlflow.db'}"), EXPERIMENT)
    assert sorted(run.info.run_name for run in found) == list(RIVALS)
    assert {run.info.status for run in found} == {"FINISHED"}


@pytest.fixture
def writer(folder: Path) -> Iterator[WriterProcess]:
    writer = WriterProcess(folder)
    yield writer
    writer.close()


def loss(step: int) -> TrainingNotes:
    return TrainingNotes(Target(EXPERIMENT, "first"), "a" * 32, {"lr": "0.1"}, (Point("loss", 1.0 / (step + 1), step),))


def ended(process: int) -> bool:
    """Whether a process that is not ours, or ours no more, has ended."""
    try:
        return psutil.Process(process).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_no_process_is_started_before_there_is_something_to_write(writer: WriterProcess) -> None:
    assert writer.pid is None


def test_a_process_that_was_killed_is_followed_by_another_that_goes_on(writer: WriterProcess, local: Any) -> None:
    writer.write(loss(0))
    killed = writer.pid
    assert killed is not None
    os.kill(killed, signal.SIGKILL)

    writer.write(loss(0))
    writer.write(loss(1))

    assert writer.pid not in {None, killed}
    [run] = runs_of(local, EXPERIMENT)
    values = local.get_metric_history(run.info.run_id, "loss")
    assert [(value.step, value.value) for value in values] == [(0, 1.0), (1, 0.5)]


def test_whoever_goes_on_asks_for_the_losses_it_tells_and_for_no_other_metric(
    folder: Path, local: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    history_of = type(local).get_metric_history

    def noted(client: Any, run_id: str, name: str) -> Any:
        asked.append(name)
        return history_of(client, run_id, name)

    first, measured = loss(0), tuple(Point(f"hospital_1_MSE_class_{index}", 1.0, 0) for index in range(3))
    MlflowStore(folder).write(replace(first, points=(*first.points, *measured)))
    monkeypatch.setattr(type(local), "get_metric_history", noted)
    going_on = MlflowStore(folder)
    for step in (0, 1, 2):
        going_on.write(loss(step))
    monkeypatch.undo()

    assert asked == ["loss"]
    [run] = runs_of(local, EXPERIMENT)
    assert [value.step for value in local.get_metric_history(run.info.run_id, "loss")] == [0, 1, 2]


def test_the_process_steps_back_behind_rounds(writer: WriterProcess) -> None:
    writer.write(loss(0))
    assert writer.pid is not None

    assert os.getpriority(os.PRIO_PROCESS, writer.pid) == min(os.getpriority(os.PRIO_PROCESS, 0) + NICENESS, 19)
    assert os.getsid(writer.pid) == writer.pid, "Linux shares out its cores among sessions first"
    files = Path(f"/proc/{writer.pid}/maps").read_text(encoding="utf-8")
    assert "sqlite" in files, "what it has loaded is there to be seen"
    assert not {name for name in ("/numpy/", "/pandas/", "/torch/") if name in files}, "it has no tables"
    # Of which MLflow would ask them what it is.
    writer.write(replace(loss(1), points=(Point("loss", 1, 1),)))
    if (session := Path(f"/proc/{writer.pid}/autogroup")).exists():
        assert session.read_text().endswith(f"nice {NICENESS}\n")


def test_a_signal_to_the_whole_group_leaves_it_to_the_ttp_when_to_end(writer: WriterProcess, local: Any) -> None:
    writer.write(loss(0))
    first = writer.pid
    assert first is not None
    os.kill(first, signal.SIGTERM)
    os.kill(first, signal.SIGINT)

    writer.write(loss(1))

    assert writer.pid == first
    writer.close()
    assert ended(first)


def test_what_mlflow_refuses_is_said_by_the_name_of_its_error(writer: WriterProcess, folder: Path) -> None:
    folder.write_text("in the way")

    with pytest.raises(NotWritten) as refused:
        writer.write(loss(0))

    assert refused.value.reason == "FileExistsError"
    assert "Traceback" in refused.value.detail


def test_whoever_waits_for_a_process_that_is_silent_is_told_when_it_is_closed(writer: WriterProcess) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        notes = TrainingNotes(Target(EXPERIMENT, "first", address), "a" * 32, {})
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(writer.write, notes)
            line, _ = silent.accept()
            with line:
                writer.close()
                with pytest.raises(NotWritten, match="TrackingProcessEnded"):
                    waiting.result(DEADLINE)


def test_the_process_ends_with_a_ttp_that_is_killed(folder: Path) -> None:
    code = """
import sys, time
from pathlib import Path
from synergos_ttp.tracking.notes import AbandonedNotes, Target
from synergos_ttp.tracking.writer_process import WriterProcess

writer = WriterProcess(Path(sys.argv[1]))
writer.write(AbandonedNotes(Target("x", "y"), "z"))
print(writer.pid, flush=True)
time.sleep(600)
"""
    with subprocess.Popen([sys.executable, "-c", code, folder], stdout=subprocess.PIPE) as ttp:
        assert ttp.stdout is not None
        process = int(ttp.stdout.readline())
        assert not ended(process)
        ttp.kill()

    until(lambda: ended(process))
