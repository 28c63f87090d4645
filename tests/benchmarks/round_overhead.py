"""What a federated round costs beside the training itself, beside others that do the same work in the same run.

    python tests/benchmarks/round_overhead.py [--only loop|path|long] [--case mlp|cnn|large] [--participants 2 8 24]
                                              [--flower PYTHON] [--rounds 21] [--long 10000]

- loop: the TTP's own rounds drive two workers, real processes with one torch thread each. The overhead of a round is its wall
  time, durable commit and update gate included, minus the training time of its slowest participant.
- path: a job asked for by REST, with progress, tracking and evaluation, at several numbers of participants. It is not the
  first one of its TTP: MLflow has started.
- long: what the tenth round costs by that path, and what one after thousands does.

Beside each, in the same run, a bare loop over raw sockets; and Flower's start_server and start_client, where ``--flower`` names
the interpreter of an environment that has ``flwr`` (this one, if it has). Medians over all rounds but the first.
"""

from __future__ import annotations

import argparse
import importlib.util
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import psutil
import torch
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.bare_rounds import bare
from benchmarks.flower_rounds import flower
from benchmarks.product_rounds import product, walls
from benchmarks.round_cases import CASES, Case, Measured, layer, write_rows
from support.any_model import allow_any_model
from synergos.domain.feature_space import Action
from synergos.domain.grid import COMMAND_PORT, DATA_PORT, Node
from synergos.domain.keys import ProjectKey, RunKey
from synergos.domain.tags import Purpose
from synergos.learning.algorithms import Step
from synergos.learning.families import Recipe
from synergos.learning.families.layers import LAYERS
from synergos.learning.feature_space_agreement import feature_space
from synergos.wire import Parcel
from synergos_simulator.grid import Grid, Plan
from synergos_ttp.control import Control
from synergos_ttp.stages.exchange import Arrived
from synergos_ttp.stages.round_in_hand import InHand
from synergos_ttp.stages.round_store import RoundStore
from synergos_ttp.stages.rounds import Rounds
from synergos_ttp.workers.commands import WorkerCommands
from synergos_ttp.workers.limits import Limits
from synergos_ttp.workers.participant import JobParticipant
from synergos_ttp.workers.session_group import SessionContent, Sessions

WORKERS = ("worker_1", "worker_2")
LIMITS = Limits()
PROJECT = ProjectKey("benchmark", "benchmark")
RUN = RunKey("benchmark", "benchmark", "benchmark", "benchmark")
LOOKS = (10, 100, 1000)
"""The rounds that are looked at in a long training, beside its last ones."""
WINDOW = 101
"""Of how many rounds around each the median is taken."""
_FIRST = 25
"""Rounds of the training before the one that is measured."""
CHEAP = Case(
    "one neuron",
    64,
    4,
    [layer("Linear", "sigmoid", in_features=4, out_features=1)],
    {"batch_size": None, "epochs": 1},
)


class TimedRounds(Rounds):
    """Rounds that note when each begins and how long its participants trained."""

    begun: list[float]
    works: list[float]

    def _exchange(self, step: Step, messages: Mapping[str, Parcel], hand: InHand) -> dict[str, Arrived]:
        self.begun.append(time.perf_counter())
        arrived = super()._exchange(step, messages, hand)
        self.works.append(max(each.said.seconds or 0.0 for each in arrived.values()))
        return arrived


def loop(
    grid: Grid, case: Case, rounds: int, folder: Path, *, evaluates: bool = False, limits: Limits = LIMITS
) -> tuple[Measured, float]:
    """Rounds through the real data plane with a running grid's workers; their timings, and the seconds until the first."""
    tags = {Purpose.TRAIN: [("train",)]} | ({Purpose.EVALUATE: [("train",)]} if evaluates else {})
    hyperparameters = LAYERS.hyperparameters({**case.run, "rounds": rounds, "patience": rounds + 1})
    begun = time.perf_counter()
    control = Control()
    nodes = [
        # One that dials out is at no address.
        Node(each.name, each.fingerprint or each.host, each.port or COMMAND_PORT, each.data_port or DATA_PORT)
        for each in grid.workers
    ]
    polled = {}
    for node in nodes:
        worker = WorkerCommands(node, limits, control.check)
        polled[node.participant_id] = worker.prepare(PROJECT, Action.CLASSIFY, tags)
    space, alignment = feature_space(polled, Action.CLASSIFY)
    recipe = Recipe(LAYERS, case.layers, hyperparameters, space)
    members = [JobParticipant(node, tags, alignment.missing_columns[node.participant_id]) for node in nodes]
    content = SessionContent(RUN, recipe, tuple(tags))
    with RoundStore(folder, "job") as store, Sessions(members, content, limits, control) as sessions:
        # As in a training, nobody else holds the first weights.
        timed = TimedRounds(sessions, hyperparameters, LAYERS.initial(recipe), store, control)
        timed.begun, timed.works = [], []
        timed.run()
    return Measured(list(np.diff(timed.begun)), timed.works[:-1]), timed.begun[0] - begun


def ours(case: Case, rounds: int, folder: Path) -> tuple[Measured, int, float]:
    """Rounds with workers of their own; the timings, the workers' peak memory, and seconds until the first round."""
    write_rows(case, folder / "data")
    allow_any_model(folder)
    with Grid.planned(Plan(folder / "grid", folder / "data", WORKERS)) as grid:
        grid.wait_until_healthy()
        measured, ready = loop(grid, case, rounds + 1, folder)
        memory = [peak_memory(program.identity.pid) for program in grid.state.programs if program.identity]
    # The TTP, which is started last, had nothing to do.
    return measured, max(memory[:-1]), ready


def peak_memory(pid: int) -> int:
    """The most memory a program's processes have held, in bytes: the largest of them, they share what they can."""
    processes = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    lines = [Path(f"/proc/{process.pid}/status").read_text() for process in processes]
    return max(int(text.split("VmHWM:")[1].split()[0]) * 1024 for text in lines)


def path(case: Case, rounds: int, participants: int, folder: Path) -> tuple[float, float]:
    """Seconds of a round by REST, and of one that is driven from here, with the same workers."""
    with product(folder, case, participants) as grid:
        # MLflow's process starts with the first training, and takes two seconds of processor time to do so, once.
        grid.train(_FIRST)
        by_rest = median(walls(grid.train(rounds + 20)))
        measured, _ = loop(grid.grid, case, rounds + 1, folder, evaluates=True)
    return by_rest, measured.wall


def long(rounds: int, folder: Path) -> list[tuple[int, float]]:
    """Rounds by REST of a network that costs next to nothing: which one, and its seconds."""
    with product(folder, CHEAP, len(WORKERS)) as grid:
        taken = np.diff(grid.train(rounds))
    # A moment is only known to the millisecond, so it is the mean of a window's middle half: no pause of the machine's counts.
    half = WINDOW // 2
    found = []
    for look in [*filter(lambda look: look < rounds - half, LOOKS), rounds - half]:
        window = np.sort(taken[max(1, look - half) : look + half])
        found.append((look, float(window[len(window) // 4 : -len(window) // 4].mean())))
    return found


def isolated(work: Callable[..., Any], *arguments: Any) -> tuple[Any, int]:
    """Do work in a process of its own; the result, and its peak memory."""
    context = multiprocessing.get_context("spawn")
    receiving, sending = context.Pipe(duplex=False)
    process = context.Process(target=_report, args=(sending, work, arguments))
    process.start()
    result, memory = receiving.recv()
    process.join(60)
    return result, int(memory)


def _report(sending: Connection, work: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    torch.set_num_threads(1)
    sending.send((work(*arguments), peak_memory(multiprocessing.current_process().pid or 0)))


def loop_table(names: Sequence[str], rounds: int, python: Path | None) -> Table:
    """The loop with two workers, each case."""
    columns = (
        "case",
        "work",
        "bare loop",
        "Flower",
        "ours",
        "ours / bare",
        "ours / Flower",
        "TTP",
        "worker",
        "until round 0",
    )
    table = Table(*columns, title="overhead of a round")
    for name in names:
        case = CASES[name]
        raw, _ = isolated(bare, case, rounds)
        flowers = flower(python, name, rounds).overhead if python else None
        with tempfile.TemporaryDirectory() as folder:
            (measured, worker, ready), ttp = isolated(ours, case, rounds, Path(folder))
        table.add_row(
            case.name,
            milliseconds(measured.work),
            milliseconds(raw.overhead),
            milliseconds(flowers),
            milliseconds(measured.overhead),
            f"{measured.overhead / raw.overhead:.1f}",
            f"{measured.overhead / flowers:.2f}" if flowers else "-",
            f"{ttp / 2**20:.0f} MiB",
            f"{worker / 2**20:.0f} MiB",
            f"{ready:.1f} s",
        )
    return table


def path_table(counts: Sequence[int], rounds: int, python: Path | None) -> Table:
    """The whole path at several numbers of participants; all of a round, evaluation included."""
    table = Table(
        *("participants", "work", "bare loop", "Flower", "our loop", "whole path"),
        *("path / loop, beyond work", "path beyond bare, each"),
        title=f"a round of {CASES['mlp'].name}",
    )
    for count in counts:
        raw, _ = isolated(bare, CASES["mlp"], rounds, count, True)
        flowers = flower(python, "mlp", rounds, count, True).wall if python else None
        with tempfile.TemporaryDirectory() as folder:
            (by_rest, driven), _ = isolated(path, CASES["mlp"], rounds, count, Path(folder))
        table.add_row(
            str(count),
            milliseconds(raw.work),
            milliseconds(raw.wall),
            milliseconds(flowers),
            milliseconds(driven),
            milliseconds(by_rest),
            f"{(by_rest - raw.work) / (driven - raw.work):.2f}",
            milliseconds((by_rest - raw.wall) / count),
        )
    return table


def long_table(rounds: int) -> Table:
    """Early rounds beside late ones."""
    with tempfile.TemporaryDirectory() as folder:
        found, _ = isolated(long, rounds, Path(folder))
    table = Table("round", "takes", "of the first", title="a round of one neuron by REST, two participants")
    for number, seconds in found:
        table.add_row(f"{number:,}", milliseconds(seconds), f"{seconds / found[0][1]:.2f}")
    return table


def milliseconds(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds * 1000:.1f} ms"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=["loop", "path", "long"], action="append")
    parser.add_argument("--rounds", type=int, default=21, help="rounds per case; the first is not counted")
    parser.add_argument(
        "--case", choices=sorted(CASES), action="append", help="of the loop; may be given several times"
    )
    parser.add_argument("--participants", type=int, nargs="+", default=[2, 8, 24], help="of the whole path")
    parser.add_argument("--long", type=int, default=10_000, help="rounds of the long training")
    own = Path(sys.executable) if importlib.util.find_spec("flwr") else None
    parser.add_argument("--flower", type=Path, default=own, metavar="PYTHON", help="interpreter that imports flwr")
    given = parser.parse_args()
    parts: dict[str, Callable[[], Table]] = {
        "loop": lambda: loop_table(given.case or list(CASES), given.rounds, given.flower),
        "path": lambda: path_table(given.participants, max(given.rounds, 60), given.flower),
        "long": lambda: long_table(given.long),
    }
    for name, part in parts.items():
        if not given.only or name in given.only:
            before = os.getloadavg()[0]
            table = part()
            table.caption = (
                f"{len(os.sched_getaffinity(0))} cores; load before {before:.1f}, after {os.getloadavg()[0]:.1f}"
            )
            Console(width=150).print(table)


if __name__ == "__main__":
    main()
