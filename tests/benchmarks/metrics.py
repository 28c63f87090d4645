"""What metrics cost: a round that is counted, and a reading of all of them.

    python tests/benchmarks/metrics.py [--rounds 500] [--turns 4]

Counting and reading are measured in seconds of the processor, which others on the machine do not change much. Rounds are measured as they are
asked for by REST, in two grids at once, one with metrics and one without, that train by turns; the one with them is read every second.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

import requests
from prometheus_client import CollectorRegistry
from sqlalchemy import text

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.product_rounds import Product, walls
from benchmarks.round_cases import CASES, write_rows
from support.any_model import allow_any_model
from synergos.domain.job import Job, Stage
from synergos.domain.keys import job_key
from synergos.orchestration.job_metrics import job_metrics
from synergos.program.health_watch import HealthWatch
from synergos.program.metrics import Metrics
from synergos.records import RecordStore
from synergos_simulator.grid import Grid, Plan
from synergos_simulator.state import Program
from synergos_ttp.events import RoundDone, RoundSeconds
from synergos_ttp.subscribers.metrics import RunMetrics
from synergos_ttp.subscribers.participant_metrics import ParticipantMetrics
from synergos_worker.metrics import WorkerMetrics

WORKERS = ("worker_1", "worker_2")
MESSAGE = 16_000
READS = (8, 400, MESSAGE)
"""Bytes of an answer, as they are taken from its connection."""
JOBS = 10_000


@dataclass(frozen=True)
class MeasuredPlan(Plan):
    """A Basic grid with metrics, or without."""

    metrics: str = "on"

    def _program(self, *arguments: object) -> Program:
        program = super()._program(*arguments)  # type: ignore[arg-type]
        return replace(program, command=[*program.command, "--metrics", self.metrics])


def processor_seconds(act: Callable[[], object], times: int) -> float:
    """Of one call, the least of five means."""
    found = []
    for _ in range(5):
        begun = time.process_time()
        for _ in range(times):
            act()
        found.append((time.process_time() - begun) / times)
    return min(found)


def counting() -> tuple[float, float]:
    """Seconds of the processor by which a round of two participants is counted at a TTP, and at each worker."""
    registry = CollectorRegistry()
    participants = ParticipantMetrics(registry)
    note = RunMetrics(registry, participants).of(Job(Stage.TRAIN, job_key({"collab_id": "c", "project_id": "p"})))
    seconds = RoundSeconds(0.002, 0.001, 0.0, 0.0001, 0.0003, dict.fromkeys(WORKERS, (0.002, 0.001)))
    done = RoundDone(0, 2, 0.5, {}, {}, None, seconds=seconds)
    worker = WorkerMetrics((), lambda: 0, HealthWatch({}))

    def at_ttp() -> None:
        for who in WORKERS:
            participants.sent(who, MESSAGE)
            for size in READS:
                participants.received(who, size)
        note(done)

    def at_worker() -> None:
        worker.received(MESSAGE)
        worker.sent(MESSAGE)

    return processor_seconds(at_ttp, 20_000), processor_seconds(at_worker, 20_000)


def reading(folder: Path) -> float:
    """Seconds of the processor by which a director's metrics are read, with many jobs stored, half of which wait."""
    store = RecordStore(f"sqlite:///{folder / 'records.sqlite'}")
    for state in ("completed", "queued"):
        ids = {"collab_id": "c", "project_id": "p", "expt_id": "e"}
        keys = [job_key({**ids, "run_id": f"{state}_{number}"}) for number in range(JOBS // 2)]
        store.add_jobs([Job(Stage.TRAIN, key) for key in keys])
        if state == "completed":
            with store.database.writing() as connection:
                connection.execute(text("UPDATE job SET state = 'completed'"))
    metrics = Metrics("director")
    metrics.add(job_metrics(store))
    try:
        return processor_seconds(lambda: metrics.answer(""), 20)
    finally:
        store.close()


@contextmanager
def grids(folder: Path) -> Iterator[dict[str, Product]]:
    """One with metrics and one without, inside the ``with`` block."""
    case = CASES["mlp"]
    write_rows(case, folder / "data")
    allow_any_model(folder)
    with ExitStack() as stack:
        found = {}
        for metrics in ("on", "off"):
            grid = stack.enter_context(
                Grid.planned(MeasuredPlan(folder / metrics, folder / "data", WORKERS, metrics=metrics))
            )
            grid.wait_until_healthy(deadline=300)
            found[metrics] = Product(grid, case)
            found[metrics].declare()
        yield found


@contextmanager
def read_every_second(grid: Grid) -> Iterator[None]:
    """All programs' metrics, inside the ``with`` block."""
    stopped = threading.Event()

    def read() -> None:
        while not stopped.wait(1.0):
            for program in grid.planned_programs:
                requests.get(f"{program.address}/metrics", timeout=30).raise_for_status()

    thread = threading.Thread(target=read)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()


def rounds_by_turns(folder: Path, rounds: int, turns: int) -> dict[str, list[float]]:
    """Seconds of a median round of each turn, with metrics and without."""
    found: dict[str, list[float]] = {"on": [], "off": []}
    with grids(folder) as products, read_every_second(products["on"].grid):
        for program in products["on"].grid.planned_programs:
            lines = requests.get(f"{program.address}/metrics", timeout=30).text.splitlines()
            print(f"{program.name}: {sum(not line.startswith('#') for line in lines)} series")
        for turn in range(turns):
            # Who comes first changes; a run of so many rounds has a name of its own.
            for metrics in ("on", "off") if turn % 2 else ("off", "on"):
                found[metrics].append(median(walls(products[metrics].train(rounds + turn)[10:])))
    return found


def main() -> None:
    flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("--rounds", type=int, default=500)
    flags.add_argument("--turns", type=int, default=4)
    given = flags.parse_args()
    ttp, worker = counting()
    print(f"counted: {1e6 * ttp:.1f} µs at the TTP and {1e6 * worker:.1f} µs at a worker, of the processor, a round")
    with tempfile.TemporaryDirectory() as folder:
        print(f"read: {1e3 * reading(Path(folder)):.1f} ms of the processor, with {JOBS} jobs stored")
    print(f"load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as folder:
        found = rounds_by_turns(Path(folder), given.rounds, given.turns)
    for metrics, each in found.items():
        print(
            f"metrics {metrics}: {1e3 * median(each):.2f} ms a round ({', '.join(f'{1e3 * one:.2f}' for one in each)})"
        )
    whole = median(found["off"])
    print(f"counting is {100 * (ttp + worker) / whole:.2f} % of a round, load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
