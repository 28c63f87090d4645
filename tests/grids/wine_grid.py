"""Two participants with wine, in this very process: what a test declares, and one use of a run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from factories.worker_data import wine, write_frame
from grids.grid_in_process import HOST, GridInProcess, started

WORKERS = ("worker_1", "worker_2")
PARTS = {"worker_1": slice(0, 50), "worker_2": slice(50, 120), "evaluate": slice(120, 150), "new": slice(150, 178)}
LAYERS = [
    {"activation": None, "is_input": True, "l_type": "Linear", "structure": {"in_features": 13, "out_features": 3}},
]
HYPERPARAMETERS: dict[str, Any] = {
    "algorithm": "FedAvg",
    "rounds": 1,
    "epochs": 1,
    "lr": 0.01,
    "optimizer": "SGD",
    "criterion": "CrossEntropyLoss",
    "lr_scheduler": "ConstantLR",
}


@contextmanager
def wine_grid(folder: Path, data: Path) -> Iterator[GridInProcess]:
    """A grid whose workers have wine to train on, to measure on and to predict."""
    for name, part in PARTS.items():
        write_frame(data, [name], wine()[part])
    with started(folder, data, WORKERS) as grid:
        yield grid


def declare(
    grid: GridInProcess, collaboration: str, *runs: str, minimum_rows: int | None = None, **hyperparameters: Any
) -> None:
    """Everything up to an alignment.

    Args:
        minimum_rows: what the alignment is asked with.
    """
    driver = grid.driver
    driver.collaborations.create(collaboration)
    driver.projects.create(collaboration, "wines", "classify", {"tier_1": [], "tier_2": []})
    driver.experiments.create(collaboration, "wines", "linear", LAYERS)
    for run in runs:
        driver.runs.create(collaboration, "wines", "linear", run, **{**HYPERPARAMETERS, **hyperparameters})
    for worker in grid.workers:
        driver.participants.create(worker.participant_id)
        registration = driver.registrations
        registration.add_node(HOST, worker.data_port, worker.port)
        registration.create(collaboration, "wines", worker.participant_id, "host")
        driver.tags.create(
            collaboration, "wines", worker.participant_id, train=[[worker.participant_id]], evaluate=[["evaluate"]]
        )
    assert driver.alignments.create(collaboration, "wines", minimum_rows=minimum_rows)["status"] == 201


def use(grid: GridInProcess, collaboration: str, run: str) -> None:
    """Train a run, validate it, and predict with it."""
    driver, key = grid.driver, (collaboration, "wines", "linear", run)
    assert driver.models.create(*key)["status"] == 200
    assert driver.validations.create(*key)["status"] == 200
    for who in WORKERS:
        assert driver.predictions.create({"wines": [["new"]]}, who, *key)["status"] == 200
