"""From the command that starts a grid to its first round: ``python tests/benchmarks/first_round.py [times]``.

A TTP and two workers start as processes, a project is declared and aligned through the driver, and one round is trained; the
answer comes when that is exported, and MLflow, which starts with the first training, has its notes. Beside it, in the same run, a
process that imports torch and makes one step. The aim, with all files in the system's cache, is a first round within 1.5 times that.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.product_rounds import moments_of
from synergos import Driver
from synergos_simulator.grid import Grid, Plan

WORKERS = ("worker_1", "worker_2")
KEYS = ("benchmark", "benchmark")
BARE = """
import torch
network = torch.nn.Sequential(torch.nn.Linear(28, 64), torch.nn.ReLU(), torch.nn.Linear(64, 1))
optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
torch.nn.functional.binary_cross_entropy_with_logits(network(torch.rand(64, 28)), torch.rand(64, 1)).backward()
optimizer.step()
"""


def layer(activation: str, inputs: int, outputs: int) -> dict[str, object]:
    return {
        "is_input": inputs == 28,
        "l_type": "Linear",
        "structure": {"bias": True, "in_features": inputs, "out_features": outputs},
        "activation": activation,
    }


def write_rows(folder: Path) -> None:
    """The same random rows for every participant."""
    numbers = np.random.default_rng(0)
    table = pd.DataFrame(numbers.random((771, 28)).round(3), columns=[f"c{index:02}" for index in range(28)])
    table["target"] = numbers.integers(0, 2, len(table))
    folder.mkdir(parents=True)
    table.to_csv(folder / "rows.csv", index=False)
    schema = dict.fromkeys(table.columns, "float64") | {"target": "category"}
    (folder / "schema.json").write_text(json.dumps(schema))
    (folder / "metadata.json").write_text(json.dumps({"datatype": "tabular", "operations": {}}))


def measure(folder: Path) -> dict[str, float]:
    """Seconds since the beginning at which each thing was done."""
    write_rows(folder / "data" / "train")
    begun = time.perf_counter()
    reached: dict[str, float] = {}
    with Grid.planned(Plan(folder / "grid", folder / "data", WORKERS)) as grid:
        grid.wait_until_healthy()
        reached["healthy"] = time.perf_counter() - begun
        driver = Driver(host=grid.ttp.host, port=grid.ttp.port)
        declare(driver, grid)
        check(driver.alignments.create(*KEYS))
        reached["aligned"] = time.perf_counter() - begun
        check(driver.models.create(*KEYS, "network", "first"))
        reached["answered"] = time.perf_counter() - begun
        [moment] = moments_of(grid, "first")
        # As the other moments, since the beginning: MLflow's are the system's time.
        reached["first round"] = moment - time.time() + time.perf_counter() - begun
    return dict(sorted(reached.items(), key=lambda each: each[1]))


def declare(driver: Driver, grid: Grid) -> None:
    """Everything that a training needs."""
    collaboration, project = KEYS
    driver.collaborations.create(collaboration)
    driver.projects.create(collaboration, project, action="classify", incentives={})
    model = [layer("relu", 28, 64), layer("relu", 64, 32), layer("sigmoid", 32, 1)]
    driver.experiments.create(collaboration, project, "network", model=model)
    driver.runs.create(collaboration, project, "network", "first", rounds=1, epochs=1, batch_size=64)
    for worker in grid.workers:
        driver.participants.create(worker.name)
        registration = driver.registrations
        registration.add_node(host=worker.host, port=worker.data_port, f_port=worker.port)
        registration.create(collaboration, project, worker.name, role="guest")
        driver.tags.create(collaboration, project, worker.name, train=[["train"]])


def check(answer: Mapping[str, Any]) -> None:
    """Measure nothing that failed."""
    if not answer["success"]:
        raise SystemExit(str(answer))


def bare() -> float:
    """Seconds until a process has made one step."""
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-c", BARE], check=True)
    return time.perf_counter() - begun


def main(times: int) -> None:
    """Print one line per attempt; the first may have to read files that the system has not cached yet."""
    for number in range(times):
        raw = bare()
        with tempfile.TemporaryDirectory() as folder:
            reached = measure(Path(folder))
        told = ", ".join(f"{what} after {seconds:.1f} s" for what, seconds in reached.items())
        print(f"{number + 1}: bare {raw:.1f} s; ours: {told}; ours / bare {reached['first round'] / raw:.1f}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2] or ("3",)))
