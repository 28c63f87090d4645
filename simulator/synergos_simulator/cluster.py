"""What a cluster on this machine consists of: a broker, a director, and several TTPs, each with workers of its own."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from synergos.pki.consortium import LocalConsortium
from synergos_simulator.broker import HOST, access, broker_command
from synergos_simulator.grid import LOG_TO_FILES, Disclosure, spoken_to, tls_flags
from synergos_simulator.state import Program
from synmanager.roles import DIRECTOR, TTP, Role

BROKER = "rabbitmq"
"""What the broker is called, and its folder."""
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
        ttp_database: the same as the TTPs' user sees it; as the director does unless it is said.
        disclosure: how much may leave its workers.
        logging: the flags that say where its programs log.
        trust: which orchestrators may use them: on this machine all are the user's own.
        worker_flags: what its workers are told besides.
        orchestrator_flags: what its director and its TTPs are told besides.
        consortium: who gives its programs certificates; None for plain HTTP.
        outbound: those of the participants whose workers listen nowhere and dial the TTPs of their sub-grids.
        queue_pages: the port of the broker's web pages; 0 for none.
    """

    folder: Path
    data: Path
    workers: Sequence[str]
    grids: int = 2
    director_port: int = 0
    queue_port: int = 0
    cpus: int = 1
    database: str | None = None
    ttp_database: str | None = None
    disclosure: Disclosure = Disclosure.OPEN
    logging: Sequence[str] = LOG_TO_FILES
    trust: Sequence[str] = ("any",)
    worker_flags: Sequence[str] = ()
    orchestrator_flags: Sequence[str] = ()
    consortium: LocalConsortium | None = None
    outbound: Sequence[str] = ()
    queue_pages: int = 0

    def programs(self, free_port: Callable[[], int]) -> list[Program]:
        """The programs in the order to start them: what the others need comes first."""
        queue_port = self.queue_port or free_port()
        files = self._files(BROKER)
        broker = Program(
            BROKER,
            broker_command(self.broker_folder, queue_port, free_port, tls=files, pages=self.queue_pages or None),
            self._log(BROKER),
            HOST,
            queue_port,
            is_broker=True,
            tls=spoken_to(files),
        )
        rendezvous = [free_port() if self.outbound else 0 for _ in range(self.grids)]
        workers = [
            self._outbound(name, grid, rendezvous[grid])
            if name in self.outbound
            else self._worker(name, grid, free_port)
            for grid in range(self.grids)
            for name in self.workers
        ]
        ttps = [
            self._ttp(grid, self._queue(queue_port, TTP), free_port, rendezvous[grid]) for grid in range(self.grids)
        ]
        director_port = self.director_port or free_port()
        shared = ["--outputs", str(self.folder / "outputs")]
        own = [*self._queue(queue_port, DIRECTOR), *shared, *self.orchestrator_flags]
        director = self._program("director", "synergos_director", director_port, own, stops=2)
        return [broker, *workers, director, *ttps]

    @property
    def broker_folder(self) -> Path:
        """Where the broker keeps what is its own, its users' passwords included."""
        return self.folder / BROKER

    @property
    def records(self) -> Path:
        """The data folder of its director and its TTPs."""
        return self.folder / "records"

    def _queue(self, port: int, role: Role) -> list[str]:
        user, password_file = access(self.broker_folder, role)
        known = ["--queue_user", user, "--queue_password_file", str(password_file)]
        return ["--queue", BROKER, HOST, str(port), *known, *(["--queue_tls"] if self.consortium else [])]

    def _files(self, name: str) -> Sequence[Path]:
        """The certificate of a program, its key, and who vouches for others; none where nobody speaks TLS."""
        return () if self.consortium is None else self.consortium.files(name)

    def _worker(self, participant: str, grid: int, free_port: Callable[[], int]) -> Program:
        name, data_port = node_name(participant, grid), free_port()
        own = [*self._of_workers(participant, grid), "--data_port", str(data_port)]
        return self._program(name, "synergos_worker", free_port(), own, data_port=data_port)

    def _outbound(self, participant: str, grid: int, rendezvous: int) -> Program:
        name = node_name(participant, grid)
        # A proxy of this machine's user would be asked for its own loopback.
        flags = {"--id": name, "--cpus": self.cpus, "--join": f"{HOST}:{rendezvous}", "--join_proxy": "none"}
        files = self._files(name)
        own = [*_listed(flags), *self.logging, *self._of_workers(participant, grid), *tls_flags(files)]
        command = [sys.executable, "-m", "synergos_worker", *own]
        return Program(name, command, self._log(name), outputs=str(self.folder / name / "outputs"))

    def _of_workers(self, participant: str, grid: int) -> list[str]:
        flags: dict[str, object] = {
            "--data": self.data,
            "--outputs": self.folder / node_name(participant, grid) / "outputs",
        }
        # A participant's workers take each other's place, so that they have to know changed data from another's digest.
        flags |= {"--disclosure": self.disclosure, "--digest_key": self.folder / f"{participant}.digest_key"}
        flags |= {"--participant": participant}
        return [*_listed(flags), *(("--trust", *self.trust) if self.trust else ()), *self.worker_flags]

    def _ttp(self, grid: int, queue: Sequence[str], free_port: Callable[[], int], rendezvous: int = 0) -> Program:
        name = f"ttp_{grid}"
        # One trains, another validates: they share what they write.
        folders = {"--outputs": self.folder / "outputs", "--mlflow": self.folder / "mlflow", "--grid": grid}
        folders |= {"--rendezvous_port": rendezvous} if rendezvous else {}
        own = [*_listed(folders), *queue, *self.orchestrator_flags]
        return self._program(name, "synergos_ttp", free_port(), own, stops=1)

    def _program(
        self, name: str, module: str, port: int, more: Sequence[str], data_port: int = 0, stops: int = 0
    ) -> Program:
        flags = {"--id": name, "--host": HOST, "--port": port, "--cpus": self.cpus}
        if not data_port:
            # Whatever runs on this machine is the user's own.
            flags |= {"--allow_mlops": HOST}
            own = self.ttp_database if module == "synergos_ttp" else None
            database = own or self.database or f"sqlite:///{self.records / 'records.sqlite'}"
            flags |= {"--data": self.records, "--database": database}
        files = self._files(name)
        command = [sys.executable, "-m", module, *_listed(flags), *self.logging, *more, *tls_flags(files)]
        return Program(name, command, self._log(name), HOST, port, data_port, stops=stops, tls=spoken_to(files))

    def _log(self, name: str) -> str:
        return str(self.folder / "logs" / f"{name}.log")


def node_name(participant: str, grid: int) -> str:
    """The program that is a participant's node in a sub-grid."""
    return f"{participant}_{grid}"


def _listed(flags: Mapping[str, object]) -> list[str]:
    return [str(part) for pair in flags.items() for part in pair]
