"""What programs take of a host, for docs/operations.md: ``python tests/benchmarks/capacity.py [rows] [trainings]``.

A TTP and two workers, as processes. Memory is what each process has alone (USS) and its largest resident size; processor time is of
all threads; disk is what ``du`` would count. No figure is a wall time, so a machine that is busy changes little.
"""

from __future__ import annotations

import sqlite3
import sys
import tempfile
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil

from grids.real_grid import WORKERS, RealGrid, Study, started
from support.any_model import allow_any_model
from synergos.upkeep.backup import back_up
from synergos.upkeep.places import place_of
from synergos_simulator.datasets import Dataset, Split, write_example
from synergos_simulator.datasets.dataset import Holding, layer

MIB = 2**20
COLUMNS = 50


def line(what: str, value: str) -> None:
    """Print one figure."""
    print(f"{what:<64} {value}", flush=True)


def family(process: psutil.Process) -> list[psutil.Process]:
    """A program's processes; the one that answers is a child of the one that watches over it."""
    return [process, *process.children(recursive=True)]


def own_memory(process: psutil.Process) -> int:
    """Bytes that nobody else has."""
    return sum(int(each.memory_full_info().uss) for each in family(process))


def peak_memory(process: psutil.Process) -> int:
    """The largest resident size of a program's largest process so far."""
    statuses = [Path(f"/proc/{each.pid}/status").read_text() for each in family(process)]
    return max(1024 * int(text.split("VmHWM:")[1].split()[0]) for text in statuses)


def processor_seconds(process: psutil.Process) -> float:
    """What a program has calculated so far."""
    return sum(sum(each.cpu_times()[:2]) for each in family(process))


def size(folder: Path) -> int:
    """Bytes of the files below a folder, those with two names once."""
    found = {(info := path.stat()).st_ino: info.st_size for path in folder.rglob("*") if path.is_file()}
    return sum(found.values())


def table(root: Path, rows: int) -> Dataset:
    """A table of half numbers, half categories of eight levels, for two participants."""
    rng = np.random.default_rng(0)
    schema: dict[str, str] = {"target": "category"}
    for who in WORKERS:
        for purpose, count in (("train", rows), ("evaluate", rows // 10), ("predict", rows // 10)):
            frame: dict[str, Any] = {}
            for column in range(COLUMNS):
                name = f"column_{column}"
                if column % 2:
                    frame[name], schema[name] = rng.integers(0, 8, count).astype(str), "category"
                else:
                    frame[name], schema[name] = rng.normal(size=count).round(6), "float64"
            frame["target"] = rng.integers(0, 2, count)
            folder = root / "capacity" / who / purpose
            folder.mkdir(parents=True)
            pd.DataFrame(frame).to_csv(folder / "rows.csv", index=False)
            pd.Series(schema).to_json(folder / "schema.json")
            (folder / "metadata.json").write_text('{"datatype": "tabular", "operations": {}}')
    holdings = [
        Holding(who, *(("capacity", who, meta) for meta in ("train", "evaluate", "predict"))) for who in WORKERS
    ]
    architecture = [layer(COLUMNS, 64, "relu", is_input=True), layer(64, 1, "sigmoid")]
    run = {"rounds": 5, "epochs": 1, "lr": 0.1, "criterion": "BCELoss", "batch_size": 256}
    return Dataset("capacity", "classify", root, holdings, architecture, run)


def idle(grid: RealGrid) -> None:
    """What programs take that have nothing to do yet."""
    for name in ("ttp", "worker_1"):
        process = grid.process(name)
        line(f"{name}, idle: own memory", f"{own_memory(process) / MIB:.0f} MiB")
        line(f"{name}, until it is ready: processor", f"{processor_seconds(process):.1f} s")


def cycle(study: Study, rows: int) -> None:
    """One alignment and training of a table, at a worker."""
    worker = study.grid.process("worker_1")
    before, calculated = peak_memory(worker), processor_seconds(worker)
    assert study.align()["success"]
    aligned = processor_seconds(worker) - calculated
    assert study.train()["success"]
    tensor = rows * 1.1 * _width(study) * 4
    line(
        f"worker, {rows:,} rows of {COLUMNS} columns, csv",
        f"{size(study.dataset.root / 'capacity' / 'worker_1') / MIB:.0f} MiB",
    )
    line("worker, the same as a tensor", f"{tensor / MIB:.0f} MiB")
    line(
        "worker, read, aligned and trained: peak memory over before", f"{(peak_memory(worker) - before) / MIB:.0f} MiB"
    )
    line("worker, read and aligned: processor", f"{aligned:.1f} s")
    trained = processor_seconds(worker) - calculated - aligned
    line(f"worker, {study.dataset.hyperparameters['rounds']} rounds of an epoch: processor", f"{trained:.1f} s")


def _width(study: Study) -> int:
    return COLUMNS // 2 + 8 * COLUMNS // 2


def trainings(study: Study, count: int) -> None:
    """What trainings and validations of a small network leave at a TTP."""
    ttp, home = study.grid.process("ttp"), study.grid.grid.folder / "ttp"
    study.train()
    calculated, before = processor_seconds(ttp), _stored(study)
    for _ in range(count):
        assert study.train()["success"]
        assert study.validate()["success"]
    after = _stored(study)
    for what, now in after.items():
        line(f"TTP, a training and its validation: {what}", f"{(now - before[what]) / count / 1024:.1f} KiB")
    line(
        "TTP, a training of 5 rounds and its validation: processor",
        f"{(processor_seconds(ttp) - calculated) / count:.2f} s",
    )
    line("TTP, own memory after all of them", f"{own_memory(ttp) / MIB:.0f} MiB")
    me = psutil.Process()
    calculated = processor_seconds(me)
    back_up(place_of(home / "data", None, home / "outputs", home / "mlflow"), home.parent / "backup")
    line("backup of it: size", f"{size(home.parent / 'backup') / MIB:.1f} MiB")
    line("backup of it: processor", f"{processor_seconds(me) - calculated:.2f} s")


def _stored(study: Study) -> Mapping[str, int]:
    folder = study.grid.grid.folder
    # What lies beside the file comes and goes.
    with closing(sqlite3.connect(folder / "ttp" / "data" / "records.sqlite")) as connection:
        [pages], [page] = (connection.execute(f"PRAGMA {what}").fetchone() for what in ("page_count", "page_size"))
    return {
        "records": pages * page,
        "log": (folder / "logs" / "ttp.log").stat().st_size,
        "log of a worker": (folder / "logs" / "worker_1.log").stat().st_size,
        "tracked figures": size(folder / "ttp" / "mlflow"),
    }


def large(grid: RealGrid, dataset: Dataset) -> None:
    """A network of 100 MB: memory, and what it leaves on the disk."""
    hidden = 5_000
    wide = [layer(13, hidden, "relu", is_input=True), layer(hidden, hidden, "relu"), layer(hidden, 3, "softmax")]
    study = Study(grid, replace(dataset, architecture=wide), "large", {"rounds": 3})
    study.declare()
    assert study.align()["success"]
    assert study.train()["success"]
    model = 4 * (14 * hidden + (hidden + 1) * hidden + (hidden + 1) * 3)
    line("a model of", f"{model / MIB:.0f} MiB")
    line("TTP: peak memory", f"{peak_memory(grid.process('ttp')) / MIB:.0f} MiB")
    line("worker: peak memory", f"{peak_memory(grid.process('worker_2')) / MIB:.0f} MiB")
    line("TTP, its exported run with 2 participants: disk", f"{size(study.model_folder()) / model:.1f} models")


def main(rows: int, count: int) -> None:
    """Measure all of it."""
    with tempfile.TemporaryDirectory() as name:
        data = Path(name) / "data"
        data.mkdir()
        wine = write_example(data, "wine", split=Split.SKEWED)
        allow_any_model(Path(name))
        with started(Path(name) / "grid", data) as grid:
            idle(grid)
            small = Study(grid, wine, "small", {"rounds": 5})
            small.declare()
            assert small.align()["success"]
            trainings(small, count)
            study = Study(grid, table(data, rows), "table")
            study.declare()
            cycle(study, rows)
            large(grid, wine)


if __name__ == "__main__":
    given = [int(text) for text in sys.argv[1:]]
    main(*(given + [200_000, 20][len(given) :]))
