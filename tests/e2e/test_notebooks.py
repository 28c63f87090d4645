"""The example notebooks, run from top to bottom against grids of processes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest
from mlflow import MlflowClient

from grids.cluster_grid import Cluster
from grids.real_grid import WORKERS, RealGrid
from servers.mlflow_server import runs_of, tracking_server
from support.notebook_runner import EXAMPLES, NOTEBOOKS, Executed, execute
from support.waiting import until

ABOVE_CHANCE = {
    "breast_cancer": {"roc_auc_score": 0.95, "f_score": 0.9},
    "diabetes": {"R2": 0.25},
    "digits_images": {"roc_auc_score": 0.9, "f_score": 0.6},
    "wine": {"roc_auc_score": 0.95, "f_score": 0.85},
}
"""What a model that has learnt exceeds on the rows of both participants; guessing has areas of 0.5, and an R2 of 0."""


@pytest.fixture(scope="module", autouse=True)
def examples(data: Path) -> None:
    """What the notebooks are about, where the workers find it."""
    for name in ABOVE_CHANCE:
        copytree(EXAMPLES / name, data / name)


@pytest.fixture(scope="session")
def mlops_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Of a server that goes on to the end: the grids have more to tell it when the notebooks have ended."""
    with tracking_server(tmp_path_factory.mktemp("mlops")) as port:
        yield port


def addresses(grid: RealGrid) -> dict[str, Any]:
    """What the ``parameters`` cell has of a grid of processes."""
    orchestrator = grid.grid.ttp
    return {
        "orchestrator": {"host": orchestrator.host, "port": orchestrator.port},
        "workers": {
            name: [{"host": node.host, "port": node.data_port, "f_port": node.port} for node in nodes]
            for name, nodes in zip(WORKERS, grid.nodes(), strict=True)
        },
    }


def service(port: int) -> Mapping[str, Any]:
    return {"host": "127.0.0.1", "port": port, "ui_port": port}


def assert_it_has_learnt(name: str, executed: Executed) -> None:
    assert {(row["rows"], row["participant_id"]) for row in executed.results} == {
        (rows, participant) for rows in ("evaluate", "predict") for participant in WORKERS
    }
    for row in executed.results:
        for measure, limit in ABOVE_CHANCE[name].items():
            assert row[measure] > limit, row
    assert "text/html" in executed.cells["results"].outputs[0].data
    assert executed.texts_on_standard_error() == []


@pytest.fixture(scope="module")
def at_first(shared_grid: RealGrid) -> Callable[[str], Executed]:
    """What a notebook for Basic grids came to when it was run for the first time."""
    return cache(lambda name: execute(notebook_of(name), addresses(shared_grid)))


def notebook_of(name: str) -> Path:
    return EXAMPLES / name / f"{name}_synbasic.ipynb"


@pytest.mark.parametrize("name", NOTEBOOKS["synbasic"])
def test_the_notebook_for_basic_grids(at_first: Callable[[str], Executed], name: str) -> None:
    assert_it_has_learnt(name, at_first(name))


def test_a_notebook_can_be_run_again(shared_grid: RealGrid, at_first: Callable[[str], Executed]) -> None:
    first = at_first("wine")

    again = execute(notebook_of("wine"), addresses(shared_grid))

    assert again.results == first.results


@pytest.mark.parametrize("name", NOTEBOOKS["synplus"])
def test_the_notebook_for_plus_grids(shared_grid: RealGrid, mlops_port: int, name: str) -> None:
    executed = execute(
        EXAMPLES / name / f"{name}_synplus.ipynb", {**addresses(shared_grid), "mlops": service(mlops_port)}
    )

    assert_it_has_learnt(name, executed)
    ids = [f"{name}_synplus_{part}" for part in ("collaboration", "project", "experiment", "run")]
    client = MlflowClient(f"http://127.0.0.1:{mlops_port}")

    def tracked() -> list[tuple[str, str]]:
        return [(run.info.run_name, run.info.status) for run in runs_of(client, "_>_".join(ids[:3]))]

    # Nobody waits for MLflow, whose server is told when it has time.
    until(lambda: tracked() == [(ids[3], "FINISHED")], "the run to be on MLflow's server", every=0.5)


@pytest.mark.slow
@pytest.mark.parametrize("name", NOTEBOOKS["syncluster"])
def test_the_notebook_for_clusters(shared_cluster: Cluster, mlops_port: int, name: str) -> None:
    executed = execute(
        EXAMPLES / name / f"{name}_syncluster.ipynb", {**addresses(shared_cluster), "mlops": service(mlops_port)}
    )

    assert_it_has_learnt(name, executed)
    assert "hyperparameters" in executed.cells["tuning"].outputs[-1].data["text/plain"]
