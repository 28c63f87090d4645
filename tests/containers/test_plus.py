"""The Plus grid of its compose file, without its log server: a whole cycle, and what MLflow's server has of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from containers.grids import PLUS, ComposeGrid, running
from support.original_notebooks import ABALONE, HEART_DISEASE, Notebook, refuse_errors, run_notebook

pytestmark = [pytest.mark.slow, pytest.mark.containers, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def grid(images: None, tmp_path_factory: pytest.TempPathFactory, datasets: Path) -> Iterator[ComposeGrid]:
    with running(PLUS, tmp_path_factory.mktemp("plus"), datasets) as started:
        yield started


@pytest.mark.parametrize("notebook", [ABALONE, HEART_DISEASE], ids=lambda notebook: notebook.dataset)
def test_the_notebook_runs_from_the_host_and_is_tracked(grid: ComposeGrid, notebook: Notebook) -> None:
    refuse_errors(run_notebook(grid.deployment, notebook))

    server = "http://172.19.0.11:5500/api/2.0/mlflow"
    name = "_>_".join(notebook.ids(PLUS.name)[:3])
    experiment = requests.get(f"{server}/experiments/get-by-name", {"experiment_name": name}, timeout=30).json()
    wanted = {"experiment_ids": [experiment["experiment"]["experiment_id"]]}
    [tracked] = requests.post(f"{server}/runs/search", json=wanted, timeout=30).json()["runs"]
    files = requests.get(f"{server}/artifacts/list", {"run_id": tracked["info"]["run_id"]}, timeout=30).json()["files"]
    assert tracked["info"]["status"] == "FINISHED"
    assert {"global_train_loss", "worker_1_local_loss"} <= {metric["key"] for metric in tracked["data"]["metrics"]}
    assert "global_model.safetensors" in {file["path"] for file in files}


def test_the_simulators_notebook_runs_as_it_is(grid: ComposeGrid) -> None:
    executed = grid.run_example("diabetes")

    assert len(executed.results) >= 4
    assert all(row["R2"] > 0.25 for row in executed.results if row["R2"] is not None)


def test_the_log_server_is_left_out_and_everything_else_ends_when_told(grid: ComposeGrid) -> None:
    containers = grid.containers()

    assert {container.name for container in containers} == {"synp_ttp", "synp_worker_1", "synp_worker_2", "synp_mlops"}
    assert {container.name: container.stop() for container in containers} == dict.fromkeys(
        (container.name for container in containers), 0
    )
