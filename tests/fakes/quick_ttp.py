"""A cluster TTP of which only the work is not real: a job takes a moment, and no worker has a part in it.

    NAME GRID DATABASE QUEUE_PORT LEASE_SECONDS LONGEST_SECONDS HOLD [QUEUE_USER PASSWORD_FILE]

While there is a file HOLD, no job comes to its end.
"""

from __future__ import annotations

import random
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from factories.outputs import OUTPUTS, aligned, measured, predicted, trained, validated
from synergos.domain.job import Job, Stage
from synergos.domain.keys import RunKey
from synergos.domain.outputs import Checked, Outputs
from synergos.domain.records import Kind
from synergos.identity.identity import Renewable
from synergos.program.logs import LogTarget, configure_logging
from synergos.records import RecordStore
from synergos.records.leases import Leases
from synergos.records.members import Members
from synergos_simulator.broker import HOST
from synergos_ttp.control import Control
from synergos_ttp.events import WorkStarted
from synergos_ttp.running.attempt import RETRIES
from synergos_ttp.running.cluster_queue import TtpQueue
from synergos_ttp.running.job_loop import JobLoop
from synergos_ttp.running.leased_jobs import LeasedJobs, SubGrid
from synergos_ttp.running.membership import Membership
from synergos_ttp.running.signatures import Signatures
from synergos_ttp.subscribers.log import write_log
from synmanager.rabbitmq import Broker

READY = "does as it is told"
"""What it logs when it ends in order if it is asked to."""


@dataclass(frozen=True)
class QuickRunner:
    """Leaves what a stage leaves, each record signed by the attempt that made it.

    Attributes:
        longest: seconds that a job takes at most.
        hold: a file that keeps jobs from ending.
    """

    store: RecordStore
    longest: float
    hold: Path

    def run(self, job: Job, control: Control) -> Outputs:
        """Pass some time.

        Raises:
            RecordNotFound: what the stage rests on is not there.
        """
        self._look_for_what_it_rests_on(job)
        end = time.monotonic() + random.uniform(0, self.longest)
        while time.monotonic() < end or self.hold.exists():
            control.check()
            time.sleep(0.005)
        control.publish(WorkStarted(()))
        return self._outputs(job)

    def forget(self, job_id: str) -> None:
        """Nothing is kept."""

    def kept(self) -> list[str]:
        """Nothing is kept."""
        return []

    def _look_for_what_it_rests_on(self, job: Job) -> None:
        if job.stage is not Stage.PREPROCESS:
            self.store.get(Kind.FEATURE_SPACE, job.keys)
        if job.stage in {Stage.VALIDATE, Stage.PREDICT}:
            self.store.get(Kind.MODEL, job.keys)

    def _outputs(self, job: Job) -> Outputs:
        signature = f"{job.id}/{job.attempts}"
        project = {field: job.keys[field] for field in ("collab_id", "project_id")}
        everybody = [record["key"]["participant_id"] for record in self.store.find(Kind.REGISTRATION, project)]
        match job.stage:
            case Stage.CHECK:
                found = aligned(*everybody)
                return Checked(
                    agreement=found.agreement,
                    feature_space=found.feature_space,
                    missing_columns=found.missing_columns,
                )
            case Stage.PREPROCESS:
                return aligned(*everybody, missing=[int(job.id, 16), job.attempts])
            case Stage.TRAIN:
                return trained(RunKey.of(job.keys).folder(OUTPUTS) / f"{job.id}-{job.attempts}")
            case Stage.VALIDATE:
                return validated(**dict.fromkeys(everybody, measured(signature)))
            case Stage.PREDICT:
                return predicted(job.keys["participant_id"], measured(signature), [["predict"]])


def maker_of(record: Mapping[str, Any]) -> dict[str, Any]:
    """The job, and the attempt at it, that made a record of a quick TTP's."""
    match record["kind"]:
        case Kind.ALIGNMENT:
            job, attempt = record["train"]["X"]
            return {"job": f"{job:032x}", "attempt": attempt}
        case Kind.MODEL:
            signature = Path(record["global"]["path"]).name.replace("-", "/")
        case Kind.VALIDATION:
            signature = record["evaluate"]["res_path"]
        case _:
            signature = record["predict"]["res_path"]
    job, attempt = signature.split("/")
    return {"job": job, "attempt": int(attempt)}


def main() -> None:
    """Run until SIGTERM."""
    name, grid, database, port, lease, longest, hold, *access = sys.argv[1:]
    configure_logging(name, LogTarget())
    # Before anything is begun, so that it is also taken note of by threads that are started later.
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    store = RecordStore(database)
    known = (access[0], Path(access[1]).read_text()) if access else ()
    membership = Membership(Renewable(Path(hold).with_name(f"{name}.json")), Members(store), name)
    signatures = Signatures(membership, store.cluster_id())
    queue = TtpQueue(Broker(HOST, int(port), *known), store.cluster_id(), signatures.sign)
    runner = QuickRunner(store, float(longest), Path(hold))
    jobs = LeasedJobs(store, Leases(store, float(lease)), queue, runner, SubGrid(int(grid), name, OUTPUTS), signatures)
    loop = JobLoop(jobs, runner, lambda _job: [write_log], RETRIES)
    jobs.start()
    loop.start()
    structlog.get_logger(__name__).info(READY)
    signal.sigwait([signal.SIGTERM])
    loop.stop()
    jobs.stop()
    loop.close()
    jobs.close()
    store.close()
