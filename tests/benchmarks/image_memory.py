"""What images take in memory, beside their tensor: ``python tests/benchmarks/image_memory.py [images] [side]``.

Files are read, kept as bytes, and turned into a session's tensor, in a process of its own whose peak is told. The aim is at most
twice the tensor.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from synergos.domain.feature_space import Action
from synergos.domain.preparation import Prepared
from synergos.domain.tags import Purpose
from synergos.learning.feature_space_agreement import feature_space
from synergos_worker.data_root import DataRoot
from synergos_worker.disclosure.policy import OPEN
from synergos_worker.tables import Tables

COLOURS = ("grayscale", "rgb")


def write(folder: Path, count: int, side: int, colour: str) -> None:
    """Write noise as a dataset of two classes."""
    rng = np.random.default_rng(0)
    shape = (side, side) if colour == "grayscale" else (side, side, 3)
    names = [f"{number}.png" for number in range(count)]
    for name in names:
        Image.fromarray(rng.integers(0, 256, shape, dtype=np.uint8)).save(folder / name, compress_level=1)
    lines = [f"{name},{number % 2}" for number, name in enumerate(names)]
    (folder / "mapping.csv").write_text("\n".join(["image,target", *lines]) + "\n")
    (folder / "metadata.json").write_text(f'{{"datatype": "image", "operations": {{"colour": "{colour}"}}}}')


def peak_bytes() -> int:
    """The most this process has had in memory so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def measure(root: Path, tag: str) -> None:
    """Print the tensor's bytes, the peak beside what the program itself takes, and the seconds."""
    tables = Tables(DataRoot(root), keep=12, policy=OPEN)
    tables.get(Action.CLASSIFY, Purpose.TRAIN, [("small",)])  # what decoding costs once in a process
    before, started = peak_bytes(), time.monotonic()
    loaded = tables.get(Action.CLASSIFY, Purpose.TRAIN, [(tag,)])
    read = time.monotonic()
    described = loaded.pipeline.describe(loaded.table)
    train = Purpose.TRAIN
    polled = Prepared(
        headers={train: described.header}, schemas={train: described.schema}, metadata={train: described.metadata}
    )
    space, _ = feature_space({"me": polled}, Action.CLASSIFY)
    examples = loaded.pipeline.transform(loaded.table, space)
    print(examples.inputs.nbytes, peak_bytes() - before, read - started, time.monotonic() - read)


def main(count: int, side: int) -> None:
    """Print the table."""
    print(f"{count:,} images of {side}x{side}")
    print(f"{'colour':10} {'tensor':>9} {'peak':>9} {'ratio':>6} {'read':>8} {'to tensor':>10}")
    for colour in COLOURS:
        with tempfile.TemporaryDirectory() as folder:
            for name, rows in (("small", 2), ("images", count)):
                (Path(folder) / name).mkdir()
                write(Path(folder) / name, rows, side, colour)
            command = [sys.executable, __file__, "--measure", folder, "images"]
            found = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
        tensor, peak, read, transformed = map(float, found)
        print(
            f"{colour:10} {tensor / 2**20:6.0f} MB {peak / 2**20:6.0f} MB {peak / tensor:6.2f} {read:6.1f} s {transformed:8.1f} s"
        )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        measure(Path(sys.argv[2]), sys.argv[3])
    else:
        main(*map(int, sys.argv[1:3] or ("10000", "64")))
