"""Rounds as a consortium has them: a job asked for by REST, real programs, with progress, tracking and evaluation.

When each round was over is read from MLflow's store, where every loss has its moment, to the millisecond.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil

from benchmarks.round_cases import Case, write_rows
from support.any_model import allow_any_model
from synergos import Driver
from synergos_simulator.grid import LOG_TO_FILES, Grid, Plan

KEYS = ("benchmark", "benchmark")
EXPERIMENT, RUN = "network", "run"
DEADLINE = 1800.0


class Product:
    """A running grid with an aligned project, whose participants have the same rows to train and to evaluate on."""

    def __init__(self, grid: Grid, case: Case) -> None:
        self.grid = grid
        self.case = case
        self.driver = Driver(host=grid.ttp.host, port=grid.ttp.port, raise_errors=True)

    def declare(self) -> None:
        """Everything that a training needs."""
        driver = self.driver
        driver.collaborations.create(KEYS[0])
        driver.projects.create(*KEYS, action="classify", incentives={})
        driver.experiments.create(*KEYS, EXPERIMENT, model=[dict(layer) for layer in self.case.layers])
        for worker in self.grid.workers:
            driver.participants.create(worker.name)
            registration = driver.registrations
            registration.add_node(host=worker.host, port=worker.data_port, f_port=worker.port)
            registration.create(*KEYS, worker.name, role="guest")
            driver.tags.create(*KEYS, worker.name, train=[["train"]], evaluate=[["train"]])
        driver.alignments.create(*KEYS)

    def train(self, rounds: int) -> list[float]:
        """Train so many rounds; the moment in seconds at which each had been averaged."""
        driver = self.driver
        run = f"{RUN}_{rounds}"
        driver.runs.create(*KEYS, EXPERIMENT, run, **{**self.case.run, "rounds": rounds, "patience": rounds + 1})
        [job] = driver.jobs.wait(
            driver.models.create(*KEYS, EXPERIMENT, run, respond_async=True), timeout=DEADLINE, interval=1.0
        )
        if job["state"] != "completed":
            raise SystemExit(f"{job['stage']} {job['state']}: {job['error']}")
        # A job's end does not wait for ever until all is tracked.
        deadline = time.monotonic() + 60
        while len(moments := moments_of(self.grid, run)) != rounds:
            if time.monotonic() > deadline:
                raise SystemExit(f"{len(moments)} of {rounds} rounds were tracked")
            time.sleep(1)
        return moments


def moments_of(grid: Grid, run: str) -> list[float]:
    """The moment in seconds at which each round of a run had been averaged, as far as MLflow knows."""
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    from filelock import FileLock
    from mlflow.tracking import MlflowClient

    logging.getLogger("alembic").setLevel(logging.WARNING)
    folder = grid.folder / "ttp" / "mlflow"
    if not folder.exists():
        return []
    # MLflow makes its tables when it first comes by; the TTP's process holds the same lock.
    with FileLock(folder / ".lock"):
        client = MlflowClient(f"sqlite:///{folder / 'mlflow.db'}")
        experiments = [found.experiment_id for found in client.search_experiments()]
    found = client.search_runs(experiments, f"attributes.run_name = '{run}'") if experiments else []
    if not found:
        return []
    history = client.get_metric_history(found[0].info.run_id, "global_train_loss")
    return [point.timestamp / 1000 for point in sorted(history, key=lambda point: point.step)]


def processor_seconds(grid: Product) -> tuple[float, float]:
    """Of the TTP, and of a worker in the mean, so far."""

    def of(name: str) -> float:
        # As it runs: what was planned knows no process.
        [found] = [program for program in grid.grid.state.programs if program.name == name]
        assert found.identity is not None
        program = psutil.Process(found.identity.pid)
        # A program looks after another process, which works.
        return sum(sum(each.cpu_times()[:2]) for each in (program, *program.children(recursive=True)))

    workers = [of(worker.name) for worker in grid.grid.workers]
    return of(grid.grid.ttp.name), sum(workers) / len(workers)


@contextmanager
def product(folder: Path, case: Case, participants: int, logging: Sequence[str] = LOG_TO_FILES) -> Iterator[Product]:
    """A grid of so many workers with one torch thread each, inside the ``with`` block."""
    write_rows(case, folder / "data")
    allow_any_model(folder)
    names = [f"worker_{number}" for number in range(1, participants + 1)]
    with Grid.planned(Plan(folder / "grid", folder / "data", names, logging=logging)) as grid:
        grid.wait_until_healthy(deadline=300)
        found = Product(grid, case)
        found.declare()
        yield found


def walls(moments: Sequence[float], block: int = 20) -> list[float]:
    """Seconds per round, each the mean of some rounds in a row: a moment is only known to the millisecond."""
    return [(after - before) / block for before, after in zip(moments, moments[block:], strict=False)]
