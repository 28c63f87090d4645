"""The real programs on loopback, and what a consortium does with them."""

from __future__ import annotations

import json
import signal
import threading
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any

import psutil

from grids.planned_grid import planned
from support.waiting import DEADLINE, until
from synergos import Driver
from synergos.cli import main
from synergos.pki.consortium import LocalConsortium
from synergos.program.health_file import health_in
from synergos_simulator.datasets import Dataset
from synergos_simulator.grid import Disclosure, Grid, Plan
from synergos_simulator.state import Program

WORKERS = ("worker_1", "worker_2")
ENDLESS = {"rounds": 100_000, "patience": 100_000}
"""Hyperparameters of a training that ends when somebody ends it: it goes on when there is nothing left to learn, too."""

Response = Mapping[str, Any]


@dataclass
class RealGrid:
    """A running grid, and a driver that speaks to it."""

    grid: Grid

    @property
    def driver(self) -> Driver:
        """A client of the TTP."""
        ttp = self.grid.ttp
        authority = ttp.tls[0] if ttp.tls else None
        return Driver(ttp.host, ttp.port, is_secured=bool(ttp.tls), tls_ca=authority)

    def nodes(self) -> list[list[Program]]:
        """The workers of each participant, one for every sub-grid."""
        return [[program] for program in self.grid.workers]

    def outputs(self, program: str) -> Path:
        """Where a program writes its results."""
        return self.grid.folder / program / "outputs"

    def command_at(self, worker: str, *words: str) -> str:
        """What ``synergos`` answers at a worker, as its owner types it; in this process, as to load the command takes longer than most."""
        before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
        said = StringIO()
        try:
            with redirect_stdout(said), redirect_stderr(said):
                main([*words, "--outputs", str(self.outputs(worker))])
        except SystemExit as ended:
            if ended.code:
                raise AssertionError(said.getvalue()) from ended
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
        return said.getvalue()

    def log(self, program: str) -> str:
        """What a program has logged so far."""
        return self._program(program).log_tail(10_000)

    def open_sessions(self, *workers: str) -> int:
        """How many sessions these workers, or all, have open together."""
        total = 0
        for program in self.grid.workers:
            if workers and program.name not in workers:
                continue
            total += int(self.health(program)["sessions"])
        return total

    def unfinished(self) -> list[dict[str, Any]]:
        """Its jobs that have not ended."""
        return [
            job for state in ("queued", "waiting", "running") for job in self.driver.jobs.read_all(state=state)["data"]
        ]

    def end_jobs(self) -> None:
        """Cancel what has not ended, so that it does not keep what comes next waiting."""
        for job in self.unfinished():
            self.driver.jobs.cancel(job["id"])
        # What goes on for a moment has a session, and files of rounds, that the next test may look for.
        until(lambda: not self.unfinished(), "what a test has left to end")

    @staticmethod
    def health(program: Program) -> Mapping[str, Any]:
        """What a worker says of itself, also one that listens nowhere."""
        if program.outputs:
            return health_in(Path(program.outputs)) or {"sessions": 0}
        with urllib.request.urlopen(
            f"{program.address}/health", timeout=DEADLINE, context=program.tls_context
        ) as answer:
            found: Mapping[str, Any] = json.load(answer)
            return found

    def process(self, program: str) -> psutil.Process:
        """The running process of a program."""
        identity = self._program(program).identity
        assert identity is not None
        return psutil.Process(identity.pid)

    def end(self, program: str, how: signal.Signals = signal.SIGTERM) -> int:
        """Send a program a signal and wait for its end; its exit code."""
        self.process(program).send_signal(how)
        until(lambda: self._program(program).exit_code is not None, f"{program} to end")
        code = self._program(program).exit_code
        assert code is not None
        return code

    def _program(self, name: str) -> Program:
        return next(program for program in self.grid.state.programs if program.name == name)


@dataclass(frozen=True)
class Study:
    """One combination in one project on a running grid, declared by the calls a notebook makes."""

    grid: RealGrid
    dataset: Dataset
    name: str
    run: Mapping[str, Any] = field(default_factory=dict)

    @property
    def keys(self) -> tuple[str, str, str, str]:
        """The ids of the combination."""
        return (f"{self.name}_collaboration", f"{self.name}_project", f"{self.name}_experiment", f"{self.name}_run")

    def declare(self, tags: Mapping[str, Mapping[str, Sequence[Sequence[str]]]] | None = None) -> None:
        """Everything up to the tags."""
        driver, (collaboration, project, experiment, run) = self.grid.driver, self.keys
        driver.collaborations.create(collaboration)
        driver.projects.create(collaboration, project, self.dataset.action, {"tier_1": [], "tier_2": []})
        driver.experiments.create(collaboration, project, experiment, list(self.dataset.architecture))
        driver.runs.create(collaboration, project, experiment, run, **{**self.dataset.hyperparameters, **self.run})
        for holding, nodes in zip(self.dataset.holdings, self.grid.nodes(), strict=False):
            who = holding.participant_id
            driver.participants.create(who)
            registration = driver.registrations
            for node in nodes:
                registration.add_node(**node.node)
            registered = registration.create(collaboration, project, who, "host")
            assert registered["success"], registered
            own = {purpose: [getattr(holding, purpose)] for purpose in ("train", "evaluate")}
            driver.tags.create(collaboration, project, who, **((tags or {}).get(who, own)))

    def align(self, **options: Any) -> Response:
        """POST alignments."""
        return self.grid.driver.alignments.create(*self.keys[:2], **options)

    def train(self) -> Response:
        """POST models."""
        return self.grid.driver.models.create(*self.keys)

    def validate(self) -> Response:
        """POST validations."""
        return self.grid.driver.validations.create(*self.keys)

    def predict(self, participant: str, tags: Sequence[Sequence[str]] | None = None) -> Response:
        """POST predictions of one participant."""
        holding = next(holding for holding in self.dataset.holdings if holding.participant_id == participant)
        collaboration, project, experiment, run = self.keys
        assert holding.predict is not None
        wanted = tags if tags is not None else [holding.predict]
        return self.grid.driver.predictions.create(
            {project: wanted}, participant, collaboration, project, experiment, run
        )

    def jobs(self, stage: str) -> list[dict[str, Any]]:
        """The jobs of this project, oldest first."""
        found: list[dict[str, Any]] = self.grid.driver.jobs.read_all(stage=stage, project_id=self.keys[1])["data"]
        return found

    def model_folder(self) -> Path:
        """Where the TTP keeps the trained run."""
        return self.grid.outputs("ttp").joinpath(*self.keys)


class Aside:
    """A call that blocks, made in a thread of its own."""

    def __init__(self, call: Callable[[], Response]) -> None:
        self._answer: list[Response | Exception] = []
        self._thread = threading.Thread(target=self._make, args=(call,))
        self._thread.start()

    def _make(self, call: Callable[[], Response]) -> None:
        try:
            self._answer.append(call())
        except Exception as error:
            self._answer.append(error)

    def answer(self) -> Response | Exception:
        """What came back, or what went wrong."""
        self._thread.join(DEADLINE)
        assert self._answer, "the call was never answered"
        return self._answer[0]


@contextmanager
def started(
    folder: Path,
    data: Path,
    workers: Sequence[str] = WORKERS,
    disclosure: Disclosure = Disclosure.OPEN,
    *,
    trust: Sequence[str] = ("any",),
    sealed: str = "on",
    outbound: Sequence[str] = (),
    proxy: str | None = None,
    worker_flags: Sequence[str] = (),
    consortium: LocalConsortium | None = None,
) -> Iterator[RealGrid]:
    """A grid that runs inside the ``with`` block."""
    plan = Plan(
        folder,
        data,
        workers,
        disclosure=disclosure,
        trust=trust,
        sealed=sealed,
        outbound=outbound,
        proxy=proxy,
        worker_flags=worker_flags,
        consortium=consortium,
    )
    grid = planned(plan)
    with grid:
        grid.wait_until_healthy()
        yield RealGrid(grid)
