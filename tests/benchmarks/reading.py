"""What reading and preparing a table costs beside pandas: ``python tests/benchmarks/reading.py [rows] [repeats]``.

A csv file of 50 columns is read by ``pandas.read_csv`` with the types of its schema, and by a worker's pipeline, which counts its cells,
reads them, measures them for an alignment and turns them into a session's tensor; each in a process of its own, by turns. Told
are processor seconds (least of the repeats), their ratio, and the pipeline's peak of memory as a multiple of the tensor. The aims are 1.5 and 2.5.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv as pa_csv

from synergos.domain.feature_space import Action
from synergos.domain.preparation import Prepared
from synergos.domain.tags import Purpose
from synergos.learning.feature_space_agreement import feature_space
from synergos_worker.data_root import DataRoot
from synergos_worker.disclosure.policy import OPEN
from synergos_worker.encoded_rows import EncodedRows
from synergos_worker.tables import Tables

TABLES = {
    "mixed": {"float64": 25, "int32": 15, "category": 9},
    "mixed, quoted": {"float64": 25, "int32": 15, "category": 9},
    "numbers of 17 digits": {"float64": 49},
}
"""How many columns there are of each type, beside the label."""


def write(folder: Path, rows: int, kinds: dict[str, int], *, digits: int | None, quoted: bool) -> None:
    """Write a dataset of two classes; one number in a hundred is missing."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    columns: dict[str, object] = {}
    for index in range(kinds["float64"]):
        values = rng.normal(50, 20, rows)
        values = values if digits is None else values.round(digits)
        values[rng.random(rows) < 0.01] = np.nan
        columns[f"float_{index}"] = values
    for index in range(kinds.get("int32", 0)):
        columns[f"int_{index}"] = rng.integers(0, 10_000, rows)
    for index in range(kinds.get("category", 0)):
        columns[f"category_{index}"] = rng.choice(["north", "east", "south", "west", "abroad"], rows)
    columns["target"] = rng.integers(0, 2, rows)
    frame = pd.DataFrame(columns)
    quoting = "all_valid" if quoted else "none"
    style = pa_csv.WriteOptions(quoting_style=quoting, quoting_header=quoting)
    pa_csv.write_csv(pa.Table.from_pandas(frame, preserve_index=False), folder / "rows.csv", style)
    schema = {name: {"f": "float64", "i": "int32"}.get(name[0], "category") for name in frame.columns}
    (folder / "schema.json").write_text(json.dumps(schema))
    (folder / "metadata.json").write_text('{"datatype": "tabular"}')


def peak_bytes() -> int:
    """The most this process has had in memory so far. What the system counts for it otherwise begins with its parent's."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def by_pandas(folder: Path) -> tuple[float, ...]:
    """Processor seconds of ``pandas.read_csv`` with the same types."""
    types = json.loads((folder / "schema.json").read_text())
    started = time.process_time()
    pd.read_csv(folder / "rows.csv", dtype=types)
    return (time.process_time() - started,)


def by_worker(folder: Path) -> tuple[float, ...]:
    """Processor seconds until a table can be aligned, until its tensor is there; the tensor's bytes, and the peak beside the program."""
    small = folder.with_name("small")
    tables = Tables(DataRoot(folder.parent), keep=12, policy=OPEN)
    tables.get(Action.CLASSIFY, Purpose.TRAIN, [(small.name,)])  # what reading costs once in a process
    before, started = peak_bytes(), time.process_time()
    train, tags = Purpose.TRAIN, [(folder.name,)]
    loaded = tables.get(Action.CLASSIFY, train, tags)
    described = loaded.pipeline.describe(loaded.table)
    polled = Prepared(
        headers={train: described.header},
        schemas={train: described.schema},
        metadata={train: described.metadata},
        statistics={train: loaded.pipeline.fit(loaded.table)},
    )
    prepared = time.process_time()
    del loaded  # a preparation keeps no table
    space = feature_space({"me": polled}, Action.CLASSIFY)[0]
    rows = EncodedRows(tables, keep=12)
    loading = partial(tables.get, Action.CLASSIFY, train, tags)
    examples = rows.get(train, tags, space, None, loading, lambda _count: None).examples
    return prepared - started, time.process_time() - started, examples.inputs.nbytes, peak_bytes() - before


def measured(what: str, folder: Path) -> list[float]:
    """What a process of its own says."""
    command = [sys.executable, __file__, "--measure", what, str(folder)]
    found = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return [float(part) for part in found.split()]


def main(rows: int, repeats: int) -> None:
    """Print the table."""
    print(f"{rows:,} rows x 50 columns; load {os.getloadavg()[0]:.1f}, {os.cpu_count()} processors")
    print(f"{'':22} {'pandas':>9} {'aligned':>9} {'tensor':>9} {'ratio':>6} {'tensor':>9} {'peak':>9} {'ratio':>6}")
    for name, kinds in TABLES.items():
        with tempfile.TemporaryDirectory() as place:
            root, digits = Path(place), None if "17" in name else 4
            write(root / "small", 100, kinds, digits=digits, quoted="quoted" in name)
            write(root / "table", rows, kinds, digits=digits, quoted="quoted" in name)
            turns = [(measured("pandas", root / "table"), measured("worker", root / "table")) for _ in range(repeats)]
        pandas = min(one[0] for one, _ in turns)
        prepared, done, tensor, peak = (min(part) for part in zip(*(other for _, other in turns), strict=True))
        print(
            f"{name:22} {pandas:7.1f} s {prepared:7.1f} s {done:7.1f} s {done / pandas:6.2f}"
            f" {tensor / 2**20:6.0f} MB {peak / 2**20:6.0f} MB {peak / tensor:6.2f}"
        )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        print(*{"pandas": by_pandas, "worker": by_worker}[sys.argv[2]](Path(sys.argv[3])))
    else:
        main(*map(int, (*sys.argv[1:3], *("1000000", "3")[len(sys.argv) - 1 :])))
