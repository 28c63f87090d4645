"""What a whole cycle leaves in MLflow, while it runs and after."""

from __future__ import annotations

from mlflow.tracking import MlflowClient

from grids.real_grid import Aside, RealGrid, Study
from servers.mlflow_server import history_of, runs_of
from support.waiting import until
from synergos_simulator.datasets import Dataset

ROUNDS = 200


def test_a_cycle_can_be_watched_in_mlflow(grid: RealGrid, wine: Dataset) -> None:
    study = Study(grid, wine, "tracked", {"rounds": ROUNDS, "epochs": 20, "patience": ROUNDS})
    study.declare()
    study.align()
    client = MlflowClient(f"sqlite:///{grid.grid.folder / 'ttp' / 'mlflow' / 'mlflow.db'}")
    experiment = "_>_".join(study.keys[:3])
    losses = ("global_train_loss", "global_evaluate_loss", "worker_1_local_loss", "worker_2_local_loss")

    training = Aside(study.train)
    until(lambda: any(set(losses) <= set(run.data.metrics) for run in runs_of(client, experiment)), "the first losses")
    [during] = runs_of(client, experiment)
    training.answer()
    study.validate()
    study.validate()

    [run] = runs_of(client, experiment)
    assert (during.info.status, run.info.status) == ("RUNNING", "FINISHED")
    assert (run.info.run_name, run.data.params["rounds"]) == (study.keys[3], str(ROUNDS))
    for name in losses:
        assert list(history_of(client, run.info.run_id, name)) == list(range(ROUNDS))
    for who in ("worker_1", "worker_2"):
        assert 0 <= run.data.metrics[f"{who}_accuracy_class_2"] <= 1
    files = {one.path for one in client.list_artifacts(run.info.run_id)}
    assert files == {path.name for path in study.model_folder().iterdir()}
