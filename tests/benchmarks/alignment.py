"""What aligning a grid takes: ``python tests/benchmarks/alignment.py [participants] [columns]``.

Beside it, in the same run, the bare computation: the union of all names, sorted, and the positions of those that each participant
lacks. The aim is less than a second for 10 participants with 5,000 columns each.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from statistics import median

from synergos.domain.feature_space import Action, Side
from synergos.domain.preparation import TOLD, Prepared
from synergos.domain.tags import Purpose
from synergos.learning.feature_space_agreement import feature_space
from synergos.learning.possible_preparation import read_preparation

LEVELS = 5
"""Of a categorical column; one column in ten is categorical."""

REPEATS = 7


def reported(columns: int, seed: int) -> Prepared:
    """What one participant reports of a table that has most of the grid's columns, and some levels of each."""
    numbers = random.Random(seed)
    present = sorted(numbers.sample(range(columns * 6 // 5), columns))
    categorical = {
        f"kind{index}": sorted(numbers.sample(range(LEVELS * 2), LEVELS))
        for index in present[: columns // 10 // LEVELS]
    }
    numeric = [f"c{index:06}" for index in present[: columns - LEVELS * len(categorical)]]
    levels = [[column, str(level)] for column, found in categorical.items() for level in found]
    said = {
        "headers": {
            "train": {"X": [*([name, None] for name in numeric), *levels], "y": [["target", "0"], ["target", "1"]]}
        },
        "schemas": {"train": dict.fromkeys(numeric, "float64") | dict.fromkeys([*categorical, "target"], "category")},
        "metadata": {"train": {"_type": "tabular", "src_count": 1000}},
        "statistics": {
            "train": {
                "numeric": {name: {"count": 1000, "sum": 500.0, "minimum": 0.0, "maximum": 1.0} for name in numeric},
                "categorical": {name: dict.fromkeys(map(str, found), 200) for name, found in categorical.items()},
            }
        },
    }
    return read_preparation(TOLD.read(said))


def bare(polled: Mapping[str, Prepared]) -> list[list[int]]:
    """The order of all names, and where each participant has gaps; nothing is checked, nothing summed up."""
    headers = [found.headers[Purpose.TRAIN].X for found in polled.values()]
    union = sorted({name for header in headers for name in header}, key=lambda name: (name[0], name[1] or ""))
    return [[index for index, name in enumerate(union) if name not in present] for present in map(frozenset, headers)]


def seconds(work: Callable[[], object]) -> Iterator[float]:
    """How long it takes, several times."""
    for _ in range(REPEATS):
        begun = time.perf_counter()
        work()
        yield time.perf_counter() - begun


def main(participants: int, columns: int) -> None:
    """Print the figures."""
    polled = {f"participant_{index}": reported(columns, index) for index in range(participants)}
    space, alignment = feature_space(polled, Action.CLASSIFY)
    lacking = [missing_columns["train"][Side.X] for missing_columns in alignment.missing_columns.values()]
    if lacking != bare(polled):
        raise SystemExit("the bare computation finds other gaps")
    raw, ours = median(seconds(lambda: bare(polled))), median(seconds(lambda: feature_space(polled, Action.CLASSIFY)))
    print(f"{participants} participants with {columns:,} columns each, {len(space.X):,} in all")
    print(f"bare {raw * 1000:.0f} ms, ours {ours * 1000:.0f} ms, ours / bare {ours / raw:.1f}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3] or ("10", "5000")))
