"""A cluster whose director is the real program, and whose TTPs are real but for the work; see :mod:`fakes.quick_ttp`."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from factories.outputs import SPACE
from fakes.quick_ttp import READY
from grids.forked import forked
from grids.processes import Processes
from grids.real_grid import WORKERS
from support.waiting import until
from synergos import Driver
from synergos.domain.job import Job
from synergos.domain.records import Kind
from synergos.records import RecordStore
from synergos_simulator.broker import HOST
from synergos_simulator.grid import FreePorts, is_healthy
from synergos_simulator.state import Program
from synmanager.roles import DIRECTOR as DIRECTORS
from synmanager.roles import TTP as TTPS
from synmanager.roles import Role

Access = Callable[[Role], tuple[str, Path]]
DIRECTOR = "director"
EXPERIMENT = "experiment"
LEASE = 2.0
"""Seconds; in earnest they are more, and everybody whose owner dies waits so long."""
START_DEADLINE = 120.0
# With the folder of the tests to import from.
_QUICK_TTP = f"""
import sys
from synergos.programs import loading
sys.path.insert(0, {str(Path(__file__).parents[1])!r})
with loading():
    from fakes.quick_ttp import main
main()
"""


class QuickCluster:
    """A record store, a director and TTPs on a broker that is somebody else's.

    Args:
        ttps: the sub-grid of each.
        longest: seconds that a job takes at most.
        lease: seconds of the TTPs' leases.
        access: the queue's user of a role, and the file with its password; None where one user may do everything.

    Attributes:
        processes: the programs that were started.
        hold: while there is a file of this name, no job comes to its end.
        store: the records, to be looked at beside the programs.
        director: how it is started, and where it listens.
    """

    def __init__(
        self,
        folder: Path,
        queue_port: int,
        ttps: Mapping[str, int],
        longest: float = 0.1,
        lease: float = LEASE,
        access: Access | None = None,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.processes = Processes(forked)
        self.hold = folder / "hold"
        database = f"sqlite:///{folder / 'records.sqlite'}"
        self.store = RecordStore(database)
        port = FreePorts()()
        flags = ["--id", DIRECTOR, "--host", HOST, "--port", str(port), "--data", str(folder)]
        flags += ["--outputs", str(folder / "outputs"), "--cpus", "1"]
        queue = ["--database", database, "--queue", "rabbitmq", HOST, str(queue_port)]
        if access is not None:
            user, password_file = access(DIRECTORS)
            queue += ["--queue_user", user, "--queue_password_file", str(password_file)]
        command = [sys.executable, "-m", "synergos_director", *flags, *queue]
        self.director = Program(DIRECTOR, command, str(folder / f"{DIRECTOR}.log"), HOST, port)
        self._ttps = {}
        # Where in its log a TTP was started last.
        self._begins: dict[str, int] = {}
        for name, grid in ttps.items():
            arguments = [name, grid, database, queue_port, lease, longest, self.hold, *(access(TTPS) if access else ())]
            command = [sys.executable, "-c", _QUICK_TTP, *map(str, arguments)]
            self._ttps[name] = Program(name, command, str(folder / f"{name}.log"))

    @property
    def driver(self) -> Driver:
        """A client of the director."""
        return Driver(host=HOST, port=self.director.port)

    @property
    def ttps(self) -> list[str]:
        """The names of the TTPs."""
        return list(self._ttps)

    def start(self, *names: str) -> None:
        """Start programs; a director is waited for until it answers."""
        for name in names:
            self._begins[name] = len(self.log(name))
            self.processes.start(self._program(name))
        if DIRECTOR in names:
            until(lambda: is_healthy(self.director), "the director to answer", START_DEADLINE)

    def log(self, name: str) -> str:
        """What a program has logged so far."""
        log = Path(self._program(name).log)
        return log.read_text() if log.exists() else ""

    def declare(self, project: str, runs: int, grids: int) -> None:
        """A project with everything that its jobs are about.

        Args:
            grids: how many nodes each of its participants has.
        """
        keys = {"collab_id": "collaboration", "project_id": project}
        nodes = {f"node_{index}": {"host": HOST, "port": 1 + index, "f_port": 1 + index} for index in range(grids)}
        with self.store.transaction():
            self.store.put(Kind.COLLABORATION, keys, {})
            self.store.put(Kind.PROJECT, keys, {"action": SPACE.action.value, "incentives": {}})
            self.store.put(Kind.EXPERIMENT, {**keys, "expt_id": EXPERIMENT}, {"model": []})
            for number in range(runs):
                self.store.put(Kind.RUN, {**keys, "expt_id": EXPERIMENT, "run_id": f"run_{number}"}, {})
            for who in WORKERS:
                owner = {**keys, "participant_id": who}
                self.store.put(Kind.PARTICIPANT, owner, {})
                self.store.put(Kind.REGISTRATION, owner, {"role": "host", "n_count": grids, **nodes})
                self.store.put(Kind.TAG, owner, {"train": [["train"]], "evaluate": [["evaluate"]]})

    def align(self, project: str) -> Job:
        """Hand in an alignment, as somebody who is not told of its job."""
        assert self.driver.alignments.create("collaboration", project)["success"] == 1
        return self.store.jobs(project_id=project, stage="preprocess")[-1]

    def stop(self, name: str) -> int:
        """Tell a program to end once it listens; its exit code."""
        if name != DIRECTOR:
            until(lambda: READY in self.log(name)[self._begins[name] :], f"{name} to be ready", START_DEADLINE)
        return self.processes.end(name, signal.SIGTERM)

    def close(self) -> None:
        """Kill what still runs."""
        self.processes.end_all()
        self.store.close()

    def _program(self, name: str) -> Program:
        return self.director if name == DIRECTOR else self._ttps[name]


@contextmanager
def quick_cluster(
    folder: Path,
    queue_port: int,
    ttps: Mapping[str, int],
    longest: float = 0.1,
    lease: float = LEASE,
    access: Access | None = None,
) -> Iterator[QuickCluster]:
    """A cluster that runs inside the ``with`` block; see :class:`QuickCluster`."""
    cluster = QuickCluster(folder, queue_port, ttps, longest, lease, access)
    try:
        cluster.start(DIRECTOR, *ttps)
        yield cluster
    finally:
        cluster.close()
