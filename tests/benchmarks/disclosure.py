"""What disclosure control costs: how well the examples are learnt from strict workers, beside open ones.

    python tests/benchmarks/disclosure.py [--data FOLDER] [--seeds 3] [NAME …]

Every example is trained twice with each seed, by which its rows are divided and weights drawn, and both models are measured on the
same rows, those that all participants set aside, by the participant's own files: figures that a strict worker withholds would not do. Beside the bundled examples,
dataset folders below FOLDER are taken. Accuracy of classifications, R² of regressions, in points of a hundred.
"""

from __future__ import annotations

import argparse
import itertools
import logging
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import structlog

sys.path.insert(0, str(Path(__file__).parents[1]))

from grids.grid_in_process import GridInProcess, started
from synergos.domain.feature_space import Action
from synergos.domain.tags import Purpose
from synergos_simulator.datasets import NAMES, Dataset, open_dataset, write_example
from synergos_worker.data_root import DataRoot
from synergos_worker.disclosure.policy import OPEN, STRICT, Policy
from synergos_worker.pipelines.labels import Labels
from synergos_worker.tables import Tables

KEYS = ("benchmark", "project", "experiment", "run")
ALLOWED = 1.0
"""Points that strict may lose."""


def main() -> None:
    """Print a line for each example; ends with 1 when one loses too much."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("names", nargs="*", metavar="NAME")
    options.add_argument("--seeds", type=int, default=5, help="how often; means are told, and their standard error")
    options.add_argument("--data", type=Path, help="folder of further dataset folders")
    given = options.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    print(f"{'dataset':16} {'open':>7} {'strict':>7} {'lost':>6}")
    lost = []
    with tempfile.TemporaryDirectory() as folder:
        for name, datasets in _datasets(Path(folder), given.data, given.seeds):
            if given.names and name not in given.names:
                continue
            pairs = [
                [
                    _learnt(dataset, Path(folder) / f"{name}-{seed}-{policy.mode}", policy, seed)
                    for policy in (OPEN, STRICT)
                ]
                for seed, dataset in enumerate(datasets)
            ]
            is_open, is_strict = np.mean(pairs, axis=0)
            lost.append(is_open - is_strict)
            error = np.std([one - other for one, other in pairs]) / len(pairs) ** 0.5
            print(f"{name:16} {is_open:7.2f} {is_strict:7.2f} {lost[-1]:6.2f} ± {error:.2f}", flush=True)
    sys.exit(any(points > ALLOWED for points in lost))


def _datasets(folder: Path, further: Path | None, seeds: int) -> Iterator[tuple[str, Iterator[Dataset]]]:
    """Each dataset, so many times: the bundled ones with their rows divided anew."""
    for name in NAMES:
        yield name, (write_example(folder / "data", name, seed=seed, folder=f"{name}_{seed}") for seed in range(seeds))
    for place in sorted(further.iterdir()) if further else ():
        if (place / "architecture.json").is_file():
            yield place.name, itertools.repeat(open_dataset(place), seeds)


def _learnt(dataset: Dataset, folder: Path, policy: Policy, seed: int) -> float:
    participants = [holding.participant_id for holding in dataset.holdings]
    with started(folder, dataset.root, participants, policy=policy) as grid:
        _train(grid, dataset, seed)
        tests = [*dataset.tags("predict"), *dataset.tags("evaluate")]
        run = KEYS[1:]
        [record] = grid.driver.predictions.create({run[0]: tests}, participants[0], KEYS[0], *run)["data"]
    predicted = pd.read_csv(Path(record["predict"]["res_path"]).parent / "predictions_predict.csv", dtype=str)
    tables = Tables(DataRoot(dataset.root), 1)
    table: Any = tables.get(Action(dataset.action), Purpose.EVALUATE, [tuple(tag) for tag in tests]).table
    labels: Labels = table.labels
    if dataset.action == Action.CLASSIFY:
        truth = np.array(labels.levels)[labels.values]
        return 100 * float((predicted["prediction"].to_numpy() == truth).mean())
    errors = predicted["prediction"].to_numpy(dtype=float) - labels.values
    return 100 * float(1 - np.square(errors).sum() / np.square(labels.values - labels.values.mean()).sum())


def _train(grid: GridInProcess, dataset: Dataset, seed: int) -> None:
    driver = grid.driver
    driver.collaborations.create(KEYS[0])
    driver.projects.create(*KEYS[:2], action=dataset.action, incentives={})
    driver.experiments.create(*KEYS[:3], model=list(dataset.architecture))
    driver.runs.create(*KEYS, **{**dataset.hyperparameters, "seed": seed})
    for holding, worker in zip(dataset.holdings, grid.workers, strict=True):
        driver.participants.create(holding.participant_id)
        registration = driver.registrations
        registration.add_node(host="127.0.0.1", port=worker.data_port, f_port=worker.port)
        registration.create(*KEYS[:2], holding.participant_id, role="host")
        driver.tags.create(*KEYS[:2], holding.participant_id, train=[list(holding.train)])
    driver.alignments.create(*KEYS[:2])
    driver.models.create(*KEYS)


if __name__ == "__main__":
    main()
