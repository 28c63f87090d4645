"""``synergos simulate --grid plus``: a whole cycle that an MLflow server of its own has followed, whose page is named at the end."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from support.waiting import until
from support.written_files import stats_below
from synergos.mlops_server import PYTHON
from synergos_simulator.grid import is_healthy, stop_grid
from synergos_simulator.state import GridState

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("plus") / "run"
    yield folder
    stop_grid(folder)


@pytest.fixture(scope="module")
def ended(folder: Path) -> subprocess.CompletedProcess[str]:
    # Of one participant, which is compared with nobody: each training more would be written for MLflow too.
    what = ["--grid", "plus", "--dataset", "wine", "--participants", "1", "--rounds", "2"]
    return subprocess.run(
        [sys.executable, "-m", "synergos.cli", "simulate", *what, "--outputs", str(folder)],
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
        # The tests' own environment has all of MLflow's server but its pages.
        env={**os.environ, PYTHON: sys.executable},
    )


def test_it_ends_by_naming_the_page_of_a_server_that_goes_on(
    ended: subprocess.CompletedProcess[str], folder: Path
) -> None:
    assert ended.returncode == 0, ended.stderr[-4000:]
    page = re.search(r"http://127\.0\.0\.1:\d+/#/experiments/\d+$", ended.stdout.strip())
    state = GridState.load(folder)
    [server] = [one for one in state.programs if one.name == "mlops"]

    assert page is not None, ended.stdout
    assert json.loads((folder / "results.json").read_text())["mlops_page"] == page.group()
    # It may be asked for while it has much to do.
    until(lambda: is_healthy(server), "the server to answer")
    assert {one.name: is_healthy(one) for one in state.programs if one is not server} == {
        "ttp": False,
        "worker_1": False,
    }
    assert f"synergos grid down --folder {folder}" in ended.stdout


def test_the_page_is_of_the_run_with_its_curves_and_its_files(
    ended: subprocess.CompletedProcess[str], folder: Path
) -> None:
    page = urlsplit(json.loads((folder / "results.json").read_text())["mlops_page"])
    server = f"http://{page.netloc}/api/2.0/mlflow"
    wanted = {"experiment_ids": [page.fragment.rpartition("/")[2]]}

    [run] = requests.post(f"{server}/runs/search", json=wanted, timeout=60).json()["runs"]
    of_run = {"run_id": run["info"]["run_id"]}
    losses = requests.get(f"{server}/metrics/get-history", {**of_run, "metric_key": "global_train_loss"}, timeout=60)
    files = requests.get(f"{server}/artifacts/list", of_run, timeout=60).json()["files"]

    assert run["info"]["status"] == "FINISHED"
    assert len(losses.json()["metrics"]) == 2
    assert "global_model.safetensors" in {file["path"] for file in files}


def test_what_the_programs_log_is_shown_on_the_terminal(ended: subprocess.CompletedProcess[str]) -> None:
    shown = re.findall(r"^\d\d:\d\d:\d\d \w+ +(\w+): ", ended.stderr, re.MULTILINE)

    assert set(shown) == {"ttp", "worker_1"}
    assert "mlops: " in ended.stderr


def test_what_programs_write_is_their_users_alone(ended: subprocess.CompletedProcess[str], folder: Path) -> None:
    written = [each for name in ("ttp", "worker_1", "mlops") for each in stats_below(folder / name)]

    suffixes = {".csv", ".pt", ".safetensors", ".json", ".txt", ".sqlite", ".db"}
    assert {path.suffix for path, _ in written} >= suffixes
    assert [
        path for path, told in written if stat.S_IMODE(told.st_mode) != (0o700 if stat.S_ISDIR(told.st_mode) else 0o600)
    ] == []
    assert {stat.S_IMODE(path.stat().st_mode) for path in (folder / "logs").glob("*.log")} == {0o600}


def test_the_server_ends_with_the_grid(ended: subprocess.CompletedProcess[str], folder: Path) -> None:
    stop_grid(folder)

    assert not GridState.load(folder).is_running
