"""What a whole cycle leaves in MLflow, while it runs and after."""

from __future__ import annotations

from mlflow.entities import Run
from mlflow.tracking import MlflowClient

from grids.real_grid import Aside, RealGrid, Study
from servers.mlflow_server import history_of, runs_of
from support.waiting import until
from synergos_simulator.datasets import Dataset

ROUNDS = 30
LOSSES = ("global_train_loss", "global_evaluate_loss", "worker_1_local_loss", "worker_2_local_loss")


def test_a_training_can_be_watched_in_mlflow(grid: RealGrid, wine: Dataset) -> None:
    # It ends when it has been seen, and not before.
    study = Study(grid, wine, "watched", {"rounds": 10**6, "epochs": 20, "patience": 10**6})
    study.declare()
    study.align()
    client, experiment = client_of(grid), "_>_".join(study.keys[:3])

    training = Aside(study.train)
    until(lambda: any(set(LOSSES) <= set(run.data.metrics) for run in runs_of(client, experiment)), "the first losses")
    [during] = runs_of(client, experiment)
    [job] = study.jobs("train")
    grid.driver.jobs.cancel(job["id"])
    training.answer()

    assert during.info.status == "RUNNING"
    until(lambda: [run.info.status for run in runs_of(client, experiment)] == ["KILLED"], "the run to have ended")


def test_a_cycle_is_whole_in_mlflow(grid: RealGrid, wine: Dataset) -> None:
    study = Study(grid, wine, "tracked", {"rounds": ROUNDS, "patience": ROUNDS})
    study.declare()
    study.align()
    client, experiment = client_of(grid), "_>_".join(study.keys[:3])
    measured = {f"{who}_accuracy_class_2" for who in ("worker_1", "worker_2")}

    study.train()
    study.validate()
    study.validate()

    # A job's end waits for MLflow only so long.
    until(lambda: any(measured <= set(run.data.metrics) for run in runs_of(client, experiment)), "the validations")
    [run] = runs_of(client, experiment)
    assert run.info.status == "FINISHED"
    assert (run.info.run_name, run.data.params["rounds"]) == (study.keys[3], str(ROUNDS))
    for name in LOSSES:
        assert list(history_of(client, run.info.run_id, name)) == list(range(ROUNDS))
    assert all(0 <= run.data.metrics[name] <= 1 for name in measured)
    files = {one.path for one in client.list_artifacts(run.info.run_id)}
    assert files == {path.name for path in study.model_folder().iterdir()}


def test_a_study_that_has_ended_has_ended_in_mlflow_with_what_it_found(grid: RealGrid, wine: Dataset) -> None:
    study = Study(grid, wine, "tracked_study", {})
    study.declare()
    study.align()
    client = client_of(grid)

    asked = grid.driver.optimizations.create(
        *study.keys[:3],
        search_space={"lr": {"_type": "loguniform", "_value": [0.001, 0.3]}},
        metric="f_score",
        optimize_mode="max",
        scheduler="none",
        max_trial_num=2,
    )
    study_id = asked["params"]["study_id"]

    def of_study() -> list[Run]:
        return [run for run in runs_of(client, "_>_".join(study.keys[:3])) if run.info.run_name == study_id]

    until(
        lambda: any(run.info.status == "FINISHED" for run in of_study()), "the study to have ended in MLflow", every=0.2
    )
    [run] = of_study()
    best = grid.driver.optimizations.show(study_id)["data"]["best"]
    assert run.data.metrics["best_f_score"] == best["objective"]
    assert run.data.tags["synergos.best_run"] == best["run_id"]


def client_of(grid: RealGrid) -> MlflowClient:
    """What reads the TTP's own store."""
    return MlflowClient(f"sqlite:///{grid.grid.folder / 'ttp' / 'mlflow' / 'mlflow.db'}")
