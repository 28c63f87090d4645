"""A whole grid of processes on two hosts: a TTP, and beyond a line a worker that listens and one that dials out."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from factories.network_models import linear
from factories.worker_data import wine, write_frame
from networks.link import Link, hosts, within
from networks.site import ADDRESSES
from support.any_model import allow_any_model
from support.waiting import DEADLINE, until
from synergos import Driver
from synergos.driver.errors import ServerUnreachable
from synergos.identity.identity import FOLDER, identity_in
from synergos.program.health_file import health_in

ORCHESTRATOR = ADDRESSES[0]
PORT, RENDEZVOUS = 5000, 5010
LISTENS, JOINS = "worker_1", "worker_2"
PURPOSES = ("train", "evaluate", "predict")


@dataclass
class FarGrid:
    """The grid, as a client on the host of the TTP speaks to it.

    Attributes:
        host: the name of that host.
    """

    link: Link
    host: str
    folder: Path
    _projects: int = 0

    def cycle(self, *participants: str, width: int, rounds: int = 2) -> Cycle:
        """A project of its own with these participants, declared."""
        self._projects += 1
        cycle = Cycle(self, f"p{self._projects}", participants)
        cycle.declare(width, rounds)
        return cycle

    @property
    def driver(self) -> Driver:
        """A client; it connects from the host of the thread that uses it."""
        return Driver(ORCHESTRATOR, PORT, raise_errors=True)

    def fingerprint(self, worker: str) -> str:
        """Of a worker."""
        return identity_in(self.folder / worker / "outputs" / FOLDER / "worker.json").fingerprint


@dataclass
class Cycle:
    """One run of one project, from the agreement to predictions, asked for by REST."""

    grid: FarGrid
    project: str
    participants: Sequence[str]

    @property
    def keys(self) -> tuple[str, str, str, str]:
        """The ids of the run."""
        return ("far", self.project, "e", "r")

    def declare(self, width: int, rounds: int) -> None:
        """All that is declared before the first stage."""
        layers = [linear(13, width, "tanh"), linear(width, width, "tanh"), linear(width, 3, "softmax")]
        run: dict[str, Any] = {
            "rounds": rounds,
            "epochs": 1,
            "lr": 0.01,
            "criterion": "NLLLoss",
            "seed": 1,
            "patience": rounds,
        }
        with within(self.grid.host), self.grid.driver as driver:
            driver.collaborations.create("far")
            driver.projects.create("far", self.project, "classify", {})
            driver.experiments.create("far", self.project, "e", [dict(layer) for layer in layers])
            driver.runs.create(*self.keys, algorithm="FedAvg", **run)
            for who in self.participants:
                driver.participants.create(who)
                registrations = driver.registrations
                if who == JOINS:
                    registrations.add_node(fingerprint=self.grid.fingerprint(who))
                else:
                    registrations.add_node(host=ADDRESSES[1], port=8020, f_port=5000)
                registrations.create("far", self.project, who, "host")
                driver.tags.create("far", self.project, who, [["train"]], [["evaluate"]])

    def run(self, stage: str) -> Mapping[str, Any]:
        """Ask for a stage, wait for its one job, however long, and return it."""
        with within(self.grid.host), self.grid.driver as driver:
            match stage:
                case "preprocess":
                    driver.alignments.create("far", self.project)
                case "train":
                    driver.models.create(*self.keys)
                case "validate":
                    driver.validations.create(*self.keys)
                case "predict":
                    who = self.participants[-1]
                    driver.predictions.create({self.project: [["predict"]]}, who, *self.keys)
            [job] = driver.jobs.read_all(project_id=self.project, stage=stage)["data"]
            return job  # type: ignore[no-any-return]

    def model(self) -> bytes:
        """What was trained."""
        return self.grid.folder.joinpath("ttp", "outputs", *self.keys, "global_model.safetensors").read_bytes()


@contextmanager
def far_grid(folder: Path) -> Iterator[FarGrid]:
    """A grid that runs inside the ``with`` block."""
    frame = wine()
    for worker, half in ((LISTENS, frame[::2]), (JOINS, frame[1::2])):
        for purpose, rows in zip(PURPOSES, (half[:60], half[60:75], half[75:]), strict=True):
            write_frame(folder / worker / "data", [purpose], rows)
    with ExitStack() as stack:
        near, far = stack.enter_context(hosts("near", "far"))
        link = Link((near, far), ADDRESSES, f"far{os.getpid()}"[-14:])
        stack.callback(link.close)
        environment = dict(os.environ)
        allow_any_model(folder, environment)
        open_to_all = ["--trust", "any", "--disclosure", "open", "--cpus", "1"]
        listens = ["--host", ADDRESSES[1], "--port", "5000", "--data_port", "8020", *open_to_all]
        joins = ["--join", f"{ORCHESTRATOR}:{RENDEZVOUS}", "--join_proxy", "none", *open_to_all]
        ttp = ["--host", ORCHESTRATOR, "--port", str(PORT), "--rendezvous_port", str(RENDEZVOUS)]
        stack.enter_context(_running(near, folder, "ttp", ttp, environment))
        stack.enter_context(_running(far, folder, LISTENS, listens, environment))
        stack.enter_context(_running(far, folder, JOINS, joins, environment))
        grid = FarGrid(link, near, folder)
        with within(near):
            until(lambda: _answers(grid), "the TTP to answer")
        until(lambda: _has_joined(folder / JOINS / "outputs"), "the worker that dials out to have joined")
        until(lambda: (folder / LISTENS / "outputs" / FOLDER).exists(), "the worker that listens to be there")
        yield grid


@contextmanager
def _running(
    host: str, folder: Path, name: str, flags: Sequence[str], environment: Mapping[str, str]
) -> Iterator[None]:
    home, module = folder / name, "synergos_ttp" if name == "ttp" else "synergos_worker"
    for part in ("data", "outputs"):
        (home / part).mkdir(parents=True, exist_ok=True)
    own = ["--mlflow", str(home / "mlflow")] if name == "ttp" else []
    places = ["--id", name, "--data", str(home / "data"), "--outputs", str(home / "outputs"), *own]
    with within(host), (folder / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", sys.executable, "-m", module, *places, *flags],
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        yield
    finally:
        process.terminate()
        process.wait(DEADLINE)


def _answers(grid: FarGrid) -> bool:
    try:
        with grid.driver as driver:
            return bool(driver.collaborations.read_all()["success"])
    except ServerUnreachable:
        return False


def _has_joined(outputs: Path) -> bool:
    told = health_in(outputs)
    return told is not None and isinstance(joined := told.get("joined"), dict) and joined["since"] is not None
