"""What a cluster on this machine consists of: a broker, a director, and several TTPs, each with workers of its own."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synergos_simulator.broker import HOST, broker_command
from synergos_simulator.grid import Disclosure
from synergos_simulator.state import Program

_QUEUE_PORT = 5672


@dataclass(frozen=True)
class ClusterPlan:
    """What a cluster is to be like.

    Attributes:
        folder: where logs, outputs and the state file go.
        data: the data root; every worker is given the same one.
        workers: the participants; each has one node for every sub-grid, ``<participant>_<grid>``.
        grids: how many TTPs there are.
        director_port: the director's command port; 0 takes a free one.
        queue_port: the broker's port; 0 takes a free one.
        cpus: how many each program may use.
        database: SQLAlchemy URL of the record store; None for a file below ``folder``.
        disclosure: how much may leave its workers.
    """

    folder: Path
    data: Path
    workers: Sequence[str]
    grids: int = 2
    director_port: int = 0
    queue_port: int = 0
    cpus: int = 1
    database: str | None = None
    disclosure: Disclosure = Disclosure.OPEN

    def programs(self, free_port: Callable[[], int]) -> list[Program]:
        """The programs in the order to start them: what the others need comes first."""
        queue_port = self.queue_port or free_port()
        broker = Program(
            "rabbitmq",
            broker_command(self.folder / "rabbitmq", queue_port, free_port),
            self._log("rabbitmq"),
            HOST,
            queue_port,
            is_broker=True,
        )
        queue = ["--queue", "rabbitmq", HOST, str(queue_port)]
        workers = [self._worker(name, grid, free_port) for grid in range(self.grids) for name in self.workers]
        ttps = [self._ttp(grid, queue, free_port) for grid in range(self.grids)]
        director_port = self.director_port or free_port()
        shared = ["--outputs", str(self.folder / "outputs")]
        director = self._program("director", "synergos_director", director_port, [*queue, *shared], stops=2)
        return [broker, *workers, director, *ttps]

    def _worker(self, participant: str, grid: int, free_port: Callable[[], int]) -> Program:
        name, data_port = node_name(participant, grid), free_port()
        flags = {"--data": self.data, "--outputs": self.folder / name / "outputs", "--data_port": data_port}
        # A participant's workers take each other's place, so that they have to know changed data from another's digest.
        flags |= {"--disclosure": self.disclosure, "--digest_key": self.folder / f"{participant}.digest_key"}
        return self._program(name, "synergos_worker", free_port(), _listed(flags), data_port=data_port)

    def _ttp(self, grid: int, queue: Sequence[str], free_port: Callable[[], int]) -> Program:
        name = f"ttp_{grid}"
        # One trains, another validates: they share what they write.
        folders = {"--outputs": self.folder / "outputs", "--mlflow": self.folder / "mlflow", "--grid": grid}
        return self._program(name, "synergos_ttp", free_port(), [*_listed(folders), *queue], stops=1)

    def _program(
        self, name: str, module: str, port: int, own: Sequence[str], data_port: int = 0, stops: int = 0
    ) -> Program:
        flags = {"--id": name, "--host": HOST, "--port": port, "--cpus": self.cpus}
        if not data_port:
            # Whatever runs on this machine is the user's own.
            flags |= {"--allow_mlops": HOST}
            database = self.database or f"sqlite:///{self.folder / 'records' / 'records.sqlite'}"
            flags |= {"--data": self.folder / "records", "--database": database}
        command = [sys.executable, "-m", module, *_listed(flags), *own]
        return Program(name, command, self._log(name), HOST, port, data_port, stops=stops)

    def _log(self, name: str) -> str:
        return str(self.folder / "logs" / f"{name}.log")


def node_name(participant: str, grid: int) -> str:
    """The program that is a participant's node in a sub-grid."""
    return f"{participant}_{grid}"


def _listed(flags: Mapping[str, Any]) -> list[str]:
    return [str(part) for pair in flags.items() for part in pair]
