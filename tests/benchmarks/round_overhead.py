"""What a federated round costs beside the training itself: ours, and a bare loop over raw sockets, in one run.

    python tests/benchmarks/round_overhead.py [--rounds 20] [--case mlp|cnn|large]

Two workers as real processes with one torch thread each; the TTP's own rounds drive them. The overhead of a round is its wall
time, durable commit and update gate included, minus the training time of its slowest participant; the median over all
rounds but the first is printed, and its ratio to the bare loop's.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import socket
import struct
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pandas as pd
import psutil
import torch
from rich.console import Console
from rich.table import Table

from synergos.domain.feature_space import Action, FeatureSpace
from synergos.domain.grid import Node
from synergos.domain.keys import ProjectKey, RunKey
from synergos.domain.tags import Meta
from synergos.learning.agreement import feature_space
from synergos.learning.families.layers.layers import Layer
from synergos.learning.families.layers.local_training import train_locally
from synergos.learning.families.layers.network import build_network
from synergos.learning.families.layers.objective import Objective
from synergos.learning.hyperparameters import Hyperparameters
from synergos_simulator.grid import Grid, Plan
from synergos_ttp.running.control import Control
from synergos_ttp.stages.round_store import RoundStore
from synergos_ttp.stages.rounds import Arrived, Rounds
from synergos_ttp.workers.commands import WorkerCommands
from synergos_ttp.workers.limits import Limits
from synergos_ttp.workers.participant import Member
from synergos_ttp.workers.sessions import SessionContent, Sessions

WORKERS = ("worker_1", "worker_2")
PROJECT = {"collab_id": "benchmark", "project_id": "benchmark"}
TAGS = {Meta.TRAIN: [("train",)]}


@dataclass(frozen=True)
class Case:
    """A network, how many rows and columns each participant has, and the steps of a round."""

    name: str
    rows: int
    columns: int
    layers: Sequence[Layer]
    run: Mapping[str, Any]


def layer(kind: str, activation: str = "", **structure: Any) -> Layer:
    return {"is_input": False, "l_type": kind, "structure": structure, "activation": activation}


CASES = {
    "mlp": Case(
        "MLP 28-64-32-1, 16 KB",
        771,
        28,
        [
            layer("Linear", "relu", in_features=28, out_features=64),
            layer("Linear", "relu", in_features=64, out_features=32),
            layer("Linear", "sigmoid", in_features=32, out_features=1),
        ],
        {"batch_size": 64, "epochs": 1},
    ),
    "cnn": Case(
        "CNN 1.2 M parameters, 2000 images 28×28",
        2000,
        784,
        [
            layer("Unflatten", dim=1, unflattened_size=[1, 28, 28]),
            layer("Conv2d", "relu", in_channels=1, out_channels=32, kernel_size=3),
            layer("Conv2d", "relu", in_channels=32, out_channels=64, kernel_size=3),
            layer("MaxPool2d", kernel_size=2),
            layer("Flatten"),
            layer("Linear", "relu", in_features=9216, out_features=128),
            layer("Linear", "sigmoid", in_features=128, out_features=1),
        ],
        {"batch_size": 64, "epochs": 1},
    ),
    "large": Case(
        "MLP 4 × 2500×2500, 100 MB, one step",
        32,
        2500,
        [
            *(layer("Linear", "relu", in_features=2500, out_features=2500) for _ in range(4)),
            layer("Linear", "sigmoid", in_features=2500, out_features=1),
        ],
        {"batch_size": None, "epochs": 1},
    ),
}


@dataclass
class Measured:
    """Seconds per round: all of it, and the slowest participant's training."""

    walls: list[float] = field(default_factory=list)
    trainings: list[float] = field(default_factory=list)

    @property
    def overhead(self) -> float:
        """Median over all rounds but the first, in seconds."""
        return median(wall - training for wall, training in list(zip(self.walls, self.trainings, strict=True))[1:])


class TimedRounds(Rounds):
    """Rounds that note when each begins and how long its participants trained."""

    begun: list[float]
    trainings: list[float]

    def _train(self, number: int) -> dict[str, Arrived]:
        self.begun.append(time.perf_counter())
        updates = super()._train(number)
        self.trainings.append(max(float(update.metadata["seconds"]) for update in updates.values()))
        return updates


def write_rows(case: Case, folder: Path) -> None:
    """The same random rows for every participant, as a dataset folder."""
    numbers = np.random.default_rng(0)
    table = pd.DataFrame(
        numbers.random((case.rows, case.columns), dtype=np.float32).round(3),
        columns=[f"c{index:05}" for index in range(case.columns)],
    )
    table["target"] = numbers.integers(0, 2, case.rows)
    home = folder / "train"
    home.mkdir(parents=True)
    table.to_csv(home / "rows.csv", index=False)
    schema = dict.fromkeys(table.columns, "float32") | {"target": "category"}
    (home / "schema.json").write_text(json.dumps(schema))
    (home / "metadata.json").write_text(json.dumps({"datatype": "tabular", "operations": {}}))


def ours(case: Case, rounds: int, folder: Path) -> tuple[Measured, dict[str, int], float]:
    """Rounds through the real data plane; the timings, each worker's peak memory, and seconds until the first round."""
    write_rows(case, folder / "data")
    hyperparameters = Hyperparameters.from_run({**case.run, "rounds": rounds, "patience": rounds + 1})
    with Grid.planned(Plan(folder / "grid", folder / "data", WORKERS)) as grid:
        grid.wait_until_healthy()
        begun = time.perf_counter()
        control = Control(lambda _progress: None)
        nodes = [Node(program.name, program.host, program.port, program.data_port) for program in grid.workers]
        polled = {}
        for node in nodes:
            worker = WorkerCommands(node, Limits(), control.check)
            polled[node.participant_id] = worker.prepare(ProjectKey.of(PROJECT), Action.CLASSIFY, TAGS)
        space, alignment = feature_space(polled, Action.CLASSIFY)
        members = [Member(node, TAGS, alignment.spacers[node.participant_id]) for node in nodes]
        run = {**PROJECT, "expt_id": "benchmark", "run_id": "benchmark"}
        content = SessionContent(RunKey.of(run), space, case.layers, hyperparameters.to_dict(), (Meta.TRAIN,))
        with RoundStore(folder, "job") as store, Sessions(members, content, Limits(), control) as sessions:
            # As in a training, nobody else holds the first weights.
            timed = TimedRounds(
                sessions, hyperparameters, build_network(case.layers, seed=1).state_dict(), store, control
            )
            timed.begun, timed.trainings = [], []
            timed.run()
            ready = timed.begun[0] - begun
            measured = Measured(list(np.diff([*timed.begun, time.perf_counter()])), timed.trainings)
            memory = {
                program.name: peak_memory(program.identity.pid) for program in grid.state.programs if program.identity
            }
    return measured, memory, ready


def peak_memory(pid: int) -> int:
    """The most memory a program's processes have held, in bytes: the largest of them, they share what they can."""
    processes = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    lines = [Path(f"/proc/{process.pid}/status").read_text() for process in processes]
    return max(int(text.split("VmHWM:")[1].split()[0]) * 1024 for text in lines)


def bare_participant(port: int, case: Case, space: FeatureSpace, rows: tuple[torch.Tensor, torch.Tensor]) -> None:
    """Receive weights, train, send them back, over one raw socket."""
    torch.set_num_threads(1)
    hyperparameters = Hyperparameters.from_run(dict(case.run))
    objective = Objective(hyperparameters, Action.CLASSIFY)
    network = build_network(case.layers, seed=1)
    state = network.state_dict()
    reference = {name: tensor.clone() for name, tensor in state.items()}
    with socket.create_connection(("127.0.0.1", port)) as line:
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        number = 0
        while receive_into(line, reference):
            result = train_locally(
                network, *rows, hyperparameters=hyperparameters, objective=objective, reference=reference,
                round_index=number, participant_id="bare",
            )  # fmt: skip
            for tensor in network.state_dict().values():
                line.sendall(tensor.numpy().data.cast("B") if tensor.ndim else tensor.reshape(1).numpy().data.cast("B"))
            line.sendall(struct.pack("<d", result.seconds))
            number += 1


def receive_into(line: socket.socket, weights: Mapping[str, torch.Tensor]) -> bool:
    """Fill the tensors with what comes; false when nothing comes any more."""
    for tensor in weights.values():
        view = tensor.view(-1).numpy().data.cast("B")
        position = 0
        while position < view.nbytes:
            count = line.recv_into(view[position:])
            if not count:
                return False
            position += count
    return True


def bare(case: Case, rounds: int) -> Measured:
    """The same rounds with nothing around them: raw sockets, a float32 mean, no checks, nothing kept."""
    torch.set_num_threads(1)
    numbers = torch.Generator().manual_seed(0)
    rows = (
        torch.rand((case.rows, case.columns), generator=numbers),
        torch.randint(0, 2, (case.rows, 1), generator=numbers).float(),
    )
    space = FeatureSpace("tabular", Action.CLASSIFY, (), ("target_0", "target_1"), (case.columns,))
    measured = Measured()
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        context = multiprocessing.get_context("spawn")
        processes = [context.Process(target=bare_participant, args=(port, case, space, rows)) for _ in WORKERS]
        for process in processes:
            process.start()
        lines = [server.accept()[0] for _ in WORKERS]
        for line in lines:
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        weights = {name: tensor.clone() for name, tensor in build_network(case.layers, seed=1).state_dict().items()}
        answers = [{name: torch.empty_like(tensor) for name, tensor in weights.items()} for _ in WORKERS]
        for _ in range(rounds):
            begun = time.perf_counter()
            for line in lines:
                for tensor in weights.values():
                    line.sendall(tensor.view(-1).numpy().data.cast("B"))
            seconds = []
            for line, answer in zip(lines, answers, strict=True):
                receive_into(line, answer)
                seconds.append(struct.unpack("<d", line.recv(8, socket.MSG_WAITALL))[0])
            for name, tensor in weights.items():
                torch.mean(torch.stack([answer[name] for answer in answers]), 0, out=tensor)
            measured.walls.append(time.perf_counter() - begun)
            measured.trainings.append(max(seconds))
        for line in lines:
            line.close()
        for process in processes:
            process.join(30)
    return measured


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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=21, help="rounds per case; the first is not counted")
    parser.add_argument(
        "--case", choices=sorted(CASES), action="append", help="only this case; may be given several times"
    )
    given = parser.parse_args()
    table = Table(
        "case",
        "bare loop",
        "ours",
        "ours / bare",
        "TTP",
        "worker",
        "until round 0",
        title="overhead of a round",
    )
    for name in given.case or CASES:
        case = CASES[name]
        raw, _ = isolated(bare, case, given.rounds)
        with tempfile.TemporaryDirectory() as folder:
            (measured, memory, ready), ttp = isolated(ours, case, given.rounds, Path(folder))
        table.add_row(
            case.name,
            f"{raw.overhead * 1000:.1f} ms",
            f"{measured.overhead * 1000:.1f} ms",
            f"{measured.overhead / raw.overhead:.1f}",
            f"{ttp / 2**20:.0f} MiB",
            f"{max(memory[worker] for worker in WORKERS) / 2**20:.0f} MiB",
            f"{ready:.1f} s",
        )
    Console(width=140).print(table)


if __name__ == "__main__":
    main()
