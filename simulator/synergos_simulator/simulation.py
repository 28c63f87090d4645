"""Takes a dataset through the whole federated cycle on a running grid, and through what it is compared with."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass, field
from typing import Any

from synergos import Driver
from synergos.cli.exits import Cancelled
from synergos.driver import DriverError
from synergos.driver.progress import Display
from synergos.driver.transport import Response
from synergos.errors import SynergosError
from synergos_simulator.arrangements import FEDERATED, Arrangement, Tags, arrangements, common_test_rows
from synergos_simulator.datasets import Dataset
from synergos_simulator.state import Program

COLLABORATION, EXPERIMENT, RUN = "simulation", "experiment", "run"
_LOOK = 0.2
"""Seconds between two looks at a job."""


class CycleCancelled(Cancelled):
    """Somebody cancelled one of the jobs of a cycle."""


@dataclass(frozen=True)
class Trained:
    """What one way of training came to.

    Attributes:
        models: the answer about the trained model; empty when it did not come so far.
        predictions: the answer about the common test rows.
        problem: why it came to nothing, if so.
    """

    arrangement: Arrangement
    models: Mapping[str, Any] = field(default_factory=dict)
    validations: Mapping[str, Any] = field(default_factory=dict)
    predictions: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    problem: str | None = None


@dataclass(frozen=True)
class Simulation:
    """One dataset on one grid.

    Attributes:
        driver: of the grid's orchestrator; it must raise errors.
        workers: each participant's nodes, one for every sub-grid.
        overrides: hyperparameters that replace the dataset's own.
        mlops: the tracking server that the collaboration names; None for the TTP's own store.
        members: drivers of participants that have accounts of their own; for the others the first one stands in.
    """

    driver: Driver
    dataset: Dataset
    workers: Mapping[str, Sequence[Program]]
    overrides: Mapping[str, Any]
    display: Display
    mlops: Program | None = None
    members: Mapping[str, Driver] = field(default_factory=dict)

    def run(self) -> list[Trained]:
        """The whole of it; the federated one comes first.

        Raises:
            DriverError: the federated cycle failed. What it is compared with may fail, and then says why.
            CycleCancelled: somebody cancelled one of the jobs.
        """
        tests = common_test_rows(self.dataset)
        self._begin()
        return [self._compare(arrangement, tests) for arrangement in arrangements(self.dataset)]

    def _begin(self) -> None:
        """What all ways of training have in common."""
        collaborations = self.driver.collaborations
        if self.mlops is not None:
            port, is_secured = self.mlops.port, bool(self.mlops.tls)
            collaborations.configure_mlops(self.mlops.host, port, port, is_secured, register=True)
        collaborations.create(COLLABORATION)
        for participant in self.workers:
            self._of(participant).participants.create(participant)

    def _of(self, participant: str) -> Driver:
        return self.members.get(participant, self.driver)

    def _compare(self, arrangement: Arrangement, tests: Tags) -> Trained:
        try:
            return self._train(arrangement, tests)
        except DriverError as error:
            # A participant alone may lack a label that the test rows have; that is a finding, not a failure.
            if arrangement.name == FEDERATED or not error.body.get("jobs"):
                raise
            self.display.note(f"{arrangement.name}: {error.message}")
            return Trained(arrangement, problem=error.message)

    def _train(self, arrangement: Arrangement, tests: Tags) -> Trained:
        project = (COLLABORATION, arrangement.project_id)
        run = (*project, EXPERIMENT, RUN)
        first = arrangement.members[0].participant_id
        driver = self.driver
        self._declare(arrangement)
        self._stage(arrangement, "preprocess", lambda: driver.alignments.create(*project))
        begun = time.monotonic()
        models = self._stage(arrangement, "train", lambda: driver.models.create(*run))
        seconds = time.monotonic() - begun
        validations: Mapping[str, Any] = {}
        if any(member.evaluate for member in arrangement.members):
            validations = self._stage(arrangement, "validate", lambda: driver.validations.create(*run))
        tags = {arrangement.project_id: tests}
        predictions = self._stage(arrangement, "predict", lambda: self._of(first).predictions.create(tags, first, *run))
        return Trained(arrangement, models, validations, predictions, seconds)

    def _declare(self, arrangement: Arrangement) -> None:
        project = (COLLABORATION, arrangement.project_id)
        self.driver.projects.create(*project, action=self.dataset.action, incentives={})
        self.driver.experiments.create(*project, EXPERIMENT, model=self.dataset.architecture)
        self.driver.runs.create(*project, EXPERIMENT, RUN, **{**self.dataset.hyperparameters, **self.overrides})
        for position, member in enumerate(arrangement.members):
            own = self._of(member.participant_id)
            registration = own.registrations
            for node in self.workers[member.participant_id]:
                registration.add_node(**node.node)
            if own is not self.driver:
                self.driver.invitations.create(*project, member.participant_id)
            registration.create(*project, member.participant_id, role="guest" if position else "host")
            own.tags.create(*project, member.participant_id, train=member.train, evaluate=member.evaluate)

    def _stage(self, arrangement: Arrangement, stage: str, request: Callable[[], Response]) -> Response:
        """Send one stage request, which blocks, and show its job meanwhile."""
        answer: Future[Response] = Future()

        def send() -> None:
            try:
                answer.set_result(request())
            except BaseException as error:
                answer.set_exception(error)

        # A daemon: an interrupted simulation does not wait for an answer that nobody will read.
        threading.Thread(target=send, daemon=True).start()
        while not wait([answer], timeout=_LOOK).done:
            self._show(arrangement, stage)
        self._show(arrangement, stage)
        try:
            return answer.result()
        except DriverError as error:
            raise self._sense_of(error) from error

    def _show(self, arrangement: Arrangement, stage: str) -> None:
        jobs: Sequence[Mapping[str, Any]] = self.driver.jobs.read_all(
            collab_id=COLLABORATION, project_id=arrangement.project_id, stage=stage
        )["data"]
        for job in jobs[-1:]:
            self.display.job(f"{arrangement.name} · {stage}", job)

    def _sense_of(self, failure: DriverError) -> SynergosError:
        jobs = failure.body.get("jobs", [])
        if any(self.driver.jobs.read(job_id)["data"]["state"] == "cancelled" for job_id in jobs):
            return CycleCancelled(str(failure))
        return failure
