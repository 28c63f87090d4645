"""What a round costs in one checkout and in another: both drive their own two workers, a block of rounds here and one there, by turns.

    python tests/benchmarks/trees_by_turns.py BEFORE AFTER [--case mlp|cnn|large] [--rounds 1600] [--block 50]

A machine that is shared is now twice as quick and now half: two benchmarks one after the other tell that, and no tenth of a millisecond.
Two blocks of rounds that follow one another are a pair, and a pair is compared: printed are the medians of all blocks, and of the
differences and ratios within pairs. Each checkout is run with this interpreter and with its own packages and ``round_overhead.py``.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import NamedTuple

PACKAGES = ("shared", "manager", "director", "ttp", "worker", "simulator", "portal")
_COLD = 3
"""Rounds of a block that are not counted: meanwhile the others have taken the processor's caches."""


class Block(NamedTuple):
    """Medians over one block's rounds, in milliseconds: a round, the training in it, and the rest."""

    wall: float
    work: float
    beyond: float


class Side:
    """One checkout's rounds, which stand still until they are told to go on."""

    def __init__(self, tree: Path, arguments: argparse.Namespace) -> None:
        self.tree = tree
        self.blocks: list[Block] = []
        paths = [str(tree / name) for name in PACKAGES if (tree / name).is_dir()]
        # Programs that a grid starts are those of the same checkout, each with one thread of torch.
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths), "OMP_NUM_THREADS": "1"}
        command = [sys.executable, __file__, str(tree), "--case", arguments.case, "--rounds", str(arguments.rounds)]
        self._process = subprocess.Popen(
            [*command, "--block", str(arguments.block)],
            cwd=tree,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._line()

    def go_on(self) -> None:
        """Run a block."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        if (line := self._line()) != "":
            self.blocks.append(Block(*map(float, line.split())))

    def end(self) -> None:
        """Let it end by itself; its grid ends with it."""
        self._process.communicate(timeout=120)

    def _line(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"the rounds of {self.tree} have ended with {self._process.wait()}")
        return line.strip()


def rounds_of(tree: Path, case: str, rounds: int, block: int) -> None:
    """Run the rounds of a checkout that this process was started for, and say after each block what it came to."""
    sys.path.insert(0, str(tree / "tests"))
    from benchmarks import round_overhead
    from benchmarks.round_cases import CASES

    # Of whichever checkout.
    class Turns(round_overhead.TimedRounds):
        def _exchange(self, step, messages, hand):  # type: ignore[no-untyped-def]
            if step.round % block == 0:
                print(_told(self.begun[-block:], self.works[-block:]), flush=True)
                sys.stdin.readline()
            return super()._exchange(step, messages, hand)

    round_overhead.TimedRounds = Turns  # type: ignore[misc]
    with tempfile.TemporaryDirectory() as folder:
        round_overhead.ours(CASES[case], rounds, Path(folder))


def _told(begun: Sequence[float], works: Sequence[float]) -> str:
    walls = [after - before for before, after in pairwise(begun)][_COLD:]
    own = list(works[_COLD:-1])
    if not walls:
        return ""
    beyond = [wall - work for wall, work in zip(walls, own, strict=True)]
    return " ".join(f"{median(each) * 1000:.4f}" for each in (walls, own, beyond))


def main() -> None:
    """Run the benchmark, or one side of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("trees", nargs="+", type=Path)
    parser.add_argument("--case", default="mlp")
    parser.add_argument("--rounds", type=int, default=1600)
    parser.add_argument("--block", type=int, default=50)
    arguments = parser.parse_args()
    trees = [tree.resolve() for tree in arguments.trees]
    if len(trees) == 1:
        rounds_of(trees[0], arguments.case, arguments.rounds, arguments.block)
        return
    sides = [Side(tree, arguments) for tree in trees]
    for turn in range(arguments.rounds // arguments.block):
        # Nobody is always the first.
        for side in sides if turn % 2 == 0 else reversed(sides):
            side.go_on()
    for side in sides:
        side.end()
    # The first block warms up.
    before, *others = [side.blocks[1:] for side in sides]
    for side in sides:
        found = [median(values) for values in zip(*side.blocks[1:], strict=True)]
        print(f"{side.tree.name}: a round {found[0]:.2f} ms, training {found[1]:.2f}, beyond it {found[2]:.2f}")
    for side, blocks in zip(sides[1:], others, strict=True):
        pairs = list(zip(before, blocks, strict=True))
        ratio = median(after.wall / first.wall for first, after in pairs)
        change = [median(after[i] - first[i] for first, after in pairs) for i in range(3)]
        print(
            f"{side.tree.name} beside {trees[0].name}, by {len(pairs)} pairs: a round {ratio:.3f} ×, "
            f"{change[0]:+.2f} ms; training {change[1]:+.2f}, beyond it {change[2]:+.2f}"
        )
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
