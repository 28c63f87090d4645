"""Takes a dataset through every way of training at once, on a cluster: all jobs are handed in, and the grids share them."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from synergos.domain.job import FINAL_STATES
from synergos.errors import GridError
from synergos_simulator.arrangements import FEDERATED, Arrangement, Tags, arrangements, common_test_rows
from synergos_simulator.simulation import COLLABORATION, EXPERIMENT, RUN, CycleCancelled, Simulation, Trained

_LOOK = 0.5
"""Seconds between two looks at the jobs."""

Job = Mapping[str, Any]


@dataclass(frozen=True)
class ClusterSimulation(Simulation):
    """One dataset on one cluster; see :class:`synergos_simulator.simulation.Simulation`."""

    def run(self) -> list[Trained]:
        """The whole of it; the federated one comes first.

        Raises:
            GridError: the federated cycle failed. What it is compared with may fail, and then says why.
            CycleCancelled: somebody cancelled one of the jobs.
            DriverError: the director refused a request.
        """
        tests = common_test_rows(self.dataset)
        self._begin()
        ways = arrangements(self.dataset)
        for way in ways:
            self._declare(way)
            self._hand_in(way, tests)
        jobs = self._wait(ways)
        return [self._outcome(way, jobs[way.project_id]) for way in ways]

    def _hand_in(self, way: Arrangement, tests: Tags) -> None:
        """All stages at once: each job waits by itself for what it needs."""
        project = (COLLABORATION, way.project_id)
        run = (*project, EXPERIMENT, RUN)
        self.driver.alignments.create(*project)
        self.driver.models.create(*run)
        if any(member.evaluate for member in way.members):
            self.driver.validations.create(*run)
        first = way.members[0].participant_id
        self._of(first).predictions.create({way.project_id: tests}, first, *run)

    def _wait(self, ways: Sequence[Arrangement]) -> dict[str, list[Job]]:
        names = {way.project_id: way.name for way in ways}
        while True:
            jobs: Sequence[Job] = self.driver.jobs.read_all(collab_id=COLLABORATION)["data"]
            for job in jobs:
                if job["state"] not in {"waiting", "queued"}:
                    where = "" if job["grid"] is None else f" (sub-grid {job['grid']})"
                    self.display.job(f"{names[job['keys']['project_id']]} · {job['stage']}{where}", job)
            if all(job["state"] in FINAL_STATES for job in jobs):
                return {project: [job for job in jobs if job["keys"]["project_id"] == project] for project in names}
            time.sleep(_LOOK)

    def _outcome(self, way: Arrangement, jobs: Sequence[Job]) -> Trained:
        if any(job["state"] == "cancelled" for job in jobs):
            raise CycleCancelled(f"{way.name}: a job was cancelled")
        failed = next((job for job in jobs if job["state"] == "failed"), None)
        if failed is not None:
            message = failed["error"]["message"]
            if way.name == FEDERATED:
                raise GridError(f"{failed['stage']}: {message}")
            # A participant alone may lack a label that the test rows have; that is a finding, not a failure.
            self.display.note(f"{way.name}: {message}")
            return Trained(way, problem=message)
        run = (COLLABORATION, way.project_id, EXPERIMENT, RUN)
        validations: Mapping[str, Any] = {}
        if any(job["stage"] == "validate" for job in jobs):
            validations = self.driver.validations.read(*run)
        first = way.members[0].participant_id
        predictions = self._of(first).predictions.read(first, *run)
        training = next(job for job in jobs if job["stage"] == "train")
        return Trained(way, self.driver.models.read(*run), validations, predictions, _seconds(training))


def _seconds(job: Job) -> float:
    begun, ended = (datetime.fromisoformat(job[name]) for name in ("started_at", "finished_at"))
    return (ended - begun).total_seconds()
