"""What it costs that a round goes sealed: the same rounds with the same workers, sealed and as they are, by turns.

    python tests/benchmarks/sealed_rounds.py [--case mlp|cnn|large] [--rounds 11] [--turns 5]

Two workers, real processes with one torch thread each, and a TTP's own rounds. Both sessions of a turn are opened by the same
means; medians over all rounds of all turns but the first of each. Each turn begins with the other one, so that neither has the
warmer machine. Processor time is that of this process, which is the TTP, and of both workers.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median

import psutil
import torch
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.round_cases import CASES, Case, write_rows
from benchmarks.round_overhead import LIMITS, WORKERS, loop, milliseconds
from support.any_model import allow_any_model
from synergos.identity.identity import Renewable
from synergos_simulator.grid import Grid, Plan
from synergos_ttp.workers.sealing import Introductions


def compared(case: Case, rounds: int, turns: int, folder: Path) -> dict[bool, tuple[float, float]]:
    """Wall and processor seconds of a round, sealed and not."""
    write_rows(case, folder / "data")
    allow_any_model(folder)
    introductions = Introductions(Renewable(folder / "identity.json"), "benchmark")
    walls: dict[bool, list[float]] = {True: [], False: []}
    processors: dict[bool, list[float]] = {True: [], False: []}
    with Grid.planned(Plan(folder / "grid", folder / "data", WORKERS)) as grid:
        grid.wait_until_healthy()
        programs = [psutil.Process(program.identity.pid) for program in grid.state.programs if program.identity]
        for turn in range(2 * turns):
            is_sealed = turn % 4 in (0, 3)
            limits = replace(LIMITS, introductions=introductions if is_sealed else None)
            before = _processor(programs)
            measured, _ = loop(grid, case, rounds + 1, folder / str(turn), limits=limits)
            processors[is_sealed].append((_processor(programs) - before) / (rounds + 1))
            walls[is_sealed] += [
                wall - work for wall, work in zip(measured.walls[1:], measured.works[1:], strict=False)
            ]
    return {each: (median(walls[each]), median(processors[each])) for each in walls}


def _processor(programs: Sequence[psutil.Process]) -> float:
    whole = [each for program in programs for each in (program, *program.children(recursive=True))]
    return time.process_time() + sum(sum(process.cpu_times()[:2]) for process in whole)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--case", choices=sorted(CASES), action="append", help="may be given several times")
    parser.add_argument("--rounds", type=int, default=11, help="in each turn; the first is not counted")
    parser.add_argument("--turns", type=int, default=5, help="of either kind")
    given = parser.parse_args()
    torch.set_num_threads(1)
    columns = ("case", "as it is", "sealed", "sealed / as it is", "more", "processor, as it is", "processor, sealed")
    table = Table(*columns, title="overhead of a round, two workers")
    before = os.getloadavg()[0]
    for name in given.case or ("mlp", "large"):
        with tempfile.TemporaryDirectory() as folder:
            found = compared(CASES[name], given.rounds, given.turns, Path(folder))
        (sealed, sealed_work), (plain, plain_work) = found[True], found[False]
        table.add_row(
            CASES[name].name,
            milliseconds(plain),
            milliseconds(sealed),
            f"{sealed / plain:.2f}",
            milliseconds(sealed - plain),
            milliseconds(plain_work),
            milliseconds(sealed_work),
        )
    table.caption = f"{len(os.sched_getaffinity(0))} cores; load before {before:.1f}, after {os.getloadavg()[0]:.1f}"
    Console(width=150).print(table)


if __name__ == "__main__":
    main()
