"""What steering a search brings, and what a second sub-grid does.

    python tests/benchmarks/tuning.py [--seeds 5] [--trials 12] [--rounds 16] [--datasets wine digits diabetes]
                                      [--only search|speed-up]

- search: on three datasets, for each seed, a random search without pruning and TPE with pruning, each until its trials have
  had the same number of rounds together; the best objective that either has found by then.
- speed-up: the same trials one at a time and two at a time, on a cluster of two TTPs with a worker each. Beside it, what two
  processes that do nothing but train gain over one: more cannot be had from these cores.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from statistics import fmean
from typing import Any

from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.cluster import EPOCHS, KEYS, LARGE, WORKER, Bench, bare
from benchmarks.first_round import write_rows
from grids.cluster_grid import cluster
from grids.real_grid import RealGrid, Study, started
from support.any_model import allow_any_model
from synergos_simulator.datasets import Split, write_example

DATASETS = {"wine": "f_score", "digits": "f_score", "diabetes": "MSE"}
"""Which are tuned, and for what; all with skewed splits."""
DEADLINE = 900.0
MOST_TRIALS = 8
"""How many times as many trials a search may have as fit into the budget untouched: those that end early leave room."""
SPACE: Mapping[str, Any] = {
    "lr": {"_type": "loguniform", "_value": [0.0001, 3.0]},
    "batch_size": {"_type": "choice", "_value": [8, 32, 128]},
    "optimizer": {"_type": "choice", "_value": ["SGD", "Adam", "RMSprop"]},
    "algorithm": {"_type": "choice", "_value": ["FedAvg", "FedProx"]},
    "mu": {"_type": "uniform", "_value": [0.0, 1.0]},
    "weight_decay": {"_type": "loguniform", "_value": [1e-6, 0.1]},
    "epochs": {"_type": "choice", "_value": [1]},
    "lr_scheduler": {"_type": "choice", "_value": ["LambdaLR"]},
}
WIDTH = {"model[0].structure.out_features": {"_type": "qlograndint", "_value": [4, 64, 4]}}
"""For networks with a hidden layer."""


@dataclass(frozen=True)
class Pair:
    """What both searches have found on one seed.

    Attributes:
        random: the best objective of the random search.
        steered: that of TPE with pruning.
        trials: how many either had within the budget, the random one's first.
    """

    random: float
    steered: float
    trials: tuple[int, int]


def search(folder: Path, datasets: Sequence[str], seeds: int, trials: int, rounds: int) -> Table:
    """Steered against random, at the same number of rounds."""
    columns = ("dataset", "objective", "random", "TPE, pruned", "TPE better by", "better / equal / worse", "trials")
    table = Table(*columns, title=load())
    data = folder / "data"
    data.mkdir()
    allow_any_model(folder)
    with started(folder / "grid", data) as grid:
        for name in datasets:
            metric = DATASETS[name]
            study = declared(grid, data, name)
            found = [both(study, metric, seed, trials, rounds) for seed in range(1, seeds + 1)]
            table.add_row(name, metric, *compared(found, metric))
            Console(stderr=True).print(f"{name}: {found}")
    return table


def declared(grid: RealGrid, data: Path, name: str) -> Study:
    """An aligned project."""
    study = Study(grid, write_example(data, name, split=Split.SKEWED), name)
    study.declare()
    answer = study.align()
    if not answer["success"]:
        raise SystemExit(str(answer))
    return study


def both(study: Study, metric: str, seed: int, trials: int, rounds: int) -> Pair:
    """Both searches, with a budget of so many trials that have all their rounds."""
    budget = trials * rounds
    fixed = {name: {"_type": "choice", "_value": [rounds]} for name in ("rounds", "patience")}
    space = {**SPACE, **fixed, **(WIDTH if len(study.dataset.architecture) > 1 else {})}
    mode = "min" if metric == "MSE" else "max"
    asked: dict[str, Any] = {"search_space": space, "metric": metric, "optimize_mode": mode, "seed": seed}
    asked["max_trial_num"] = MOST_TRIALS * trials
    random = run(study, budget, **asked, searcher="random", scheduler="none")
    steered = run(study, budget, **asked, searcher="TPE", scheduler="median")
    better = min if mode == "min" else max
    return Pair(better(random), better(steered), (len(random), len(steered)))


def run(study: Study, budget: int, **asked: Any) -> list[float]:
    """The objectives that a search has found when its trials have had so many rounds; the worst there is for a pruned one."""
    driver = study.grid.driver
    opened = driver.optimizations.create(*study.keys[:3], **asked)
    if not opened["success"]:
        raise SystemExit(str(opened))
    deadline = time.monotonic() + DEADLINE
    while time.monotonic() < deadline:
        found: dict[str, Any] = driver.optimizations.show(opened)["data"]
        ended = [trial for trial in found["trials"] if trial["state"] in {"completed", "pruned", "failed"}]
        if found["state"] == "running" and sum(map(spent, ended)) >= budget:
            driver.optimizations.stop(opened)
        if found["state"] not in {"running", "stopping"}:
            worst = float("inf") if asked["optimize_mode"] == "min" else float("-inf")
            within = within_budget(ended, budget)
            return [worst if trial["objective"] is None else trial["objective"] for trial in within]
        time.sleep(0.1)
    raise SystemExit("a study never ended")


def within_budget(trials: Sequence[Mapping[str, Any]], budget: int) -> Sequence[Mapping[str, Any]]:
    """The first trials that have had no more than so many rounds together."""
    used = accumulate(map(spent, trials))
    return [trial for trial, so_far in zip(trials, used, strict=True) if so_far <= budget]


def spent(trial: Mapping[str, Any]) -> int:
    """How many rounds a trial has had; the one that was being trained when it ended early counts, although nothing came of it."""
    done: int = trial["progress"].get("round", 0)
    return done if trial["state"] == "completed" else min(done + 1, trial["hyperparameters"]["rounds"])


def compared(found: Sequence[Pair], metric: str) -> list[str]:
    """A row's figures: means over seeds, and in how many of them one was better."""
    sign = -1 if metric == "MSE" else 1
    differences = [sign * (each.steered - each.random) for each in found]
    wins = [sum(one > 0 for one in differences), sum(one == 0 for one in differences)]
    wins.append(len(differences) - sum(wins))
    means = [fmean(each.random for each in found), fmean(each.steered for each in found), fmean(differences)]
    counts = [f"{fmean(each.trials[index] for each in found):.0f}" for index in (0, 1)]
    return [*(f"{mean:.4g}" for mean in means), " / ".join(map(str, wins)), " / ".join(counts)]


def speed_up(folder: Path, trials: int, rounds: int) -> Table:
    """The same study one trial at a time and two at a time."""
    table = Table("trials", "seen", "beside it", title=load())
    write_rows(folder / "data" / "train")
    with cluster(folder / "grid", folder / "data", [WORKER]) as grid:
        bench = Bench(grid)
        bench.declare()
        bench.driver.tags.create(*KEYS, WORKER, train=[["train"]], evaluate=[["train"]])
        bench.completed([job["id"] for job in bench.driver.alignments.create(*KEYS, respond_async=True)["data"]])
        taken = {width: study_seconds(bench, trials, rounds, width) for width in (2, 1)}
    one, two = bare(1), bare(2)
    gain, possible = taken[1] / taken[2], 2 * one / two
    table.add_row("one at a time", f"{taken[1]:.1f} s", f"{trials} trials of {rounds} rounds")
    table.add_row("two at a time", f"{taken[2]:.1f} s", "")
    table.add_row("speed-up", f"{gain:.2f}", f"bare: {possible:.2f}; ours / bare {gain / possible:.0%}")
    return table


def study_seconds(bench: Bench, trials: int, rounds: int, width: int) -> float:
    """How long a study takes with so many trials at once."""
    fixed = {"rounds": rounds, "patience": rounds + EPOCHS, "epochs": EPOCHS, "batch_size": 64}
    space = {name: {"_type": "choice", "_value": [value]} for name, value in fixed.items()}
    space["lr"] = {"_type": "uniform", "_value": [0.01, 0.02]}
    begun = time.monotonic()
    opened = bench.driver.optimizations.create(
        *KEYS,
        LARGE,
        search_space=space,
        metric="accuracy",
        optimize_mode="max",
        max_trial_num=trials,
        max_concurrent=width,
        searcher="random",
        scheduler="none",
        seed=1,
    )
    found = bench.driver.optimizations.wait(opened, timeout=DEADLINE, interval=0.1)
    if found["counts"]["completed"] != trials:
        raise SystemExit(str(found["counts"]))
    return time.monotonic() - begun


def load() -> str:
    """What else the machine does."""
    return f"{len(os.sched_getaffinity(0))} cores; load before: {os.getloadavg()[0]:.1f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seeds", type=int, default=5, help="searches of either kind on each dataset")
    parser.add_argument("--trials", type=int, default=12, help="that have all their rounds within the budget")
    parser.add_argument("--rounds", type=int, default=16, help="of a trial that is not pruned")
    parser.add_argument("--datasets", nargs="+", choices=DATASETS, default=list(DATASETS))
    parser.add_argument("--only", choices=["search", "speed-up"])
    given = parser.parse_args()
    # So that the grid is stopped, too, when somebody's patience ends.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
    parts: dict[str, Callable[[Path], Table]] = {
        "search": lambda folder: search(folder, given.datasets, given.seeds, given.trials, given.rounds),
        "speed-up": lambda folder: speed_up(folder, 8, 12),
    }
    for name, part in parts.items():
        if given.only in {None, name}:
            with tempfile.TemporaryDirectory(prefix="synergos-tuning-") as folder:
                Console().print(part(Path(folder)))


if __name__ == "__main__":
    main()
