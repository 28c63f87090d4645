"""Wires a cluster TTP together: it takes its jobs from the queue and answers questions only."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from synergos.program.queue_flags import QueueTarget
from synergos.program.resources import Resources, log_usage
from synergos.records import RecordStore
from synergos.records.leases import Leases
from synergos.rest.app import create_status_app
from synergos_ttp.running.attempt import RETRIES
from synergos_ttp.running.cluster_queue import TtpQueue
from synergos_ttp.running.job_loop import JobLoop
from synergos_ttp.running.leased_jobs import Grid, LeasedJobs
from synergos_ttp.stages.jobs import JobRunner
from synergos_ttp.subscribers import followers
from synergos_ttp.tracking.mlflow_tracker import MlflowTracker
from synergos_ttp.tracking.writer_process import WriterProcess
from synergos_ttp.workers.limits import Limits
from synmanager.rabbitmq import Broker

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


@dataclass(frozen=True)
class ClusterSettings:
    """What a cluster TTP is told.

    Attributes:
        grid: which node of every participant makes up its sub-grid.
        database: SQLAlchemy URL of the record store, the director's too.
        outputs: folder of trained models, shared by the cluster's TTPs: one trains, another validates.
        mlflow: folder of the local MLflow store, for collaborations that name no server of their own.
        usage_seconds: how often processor and memory use are logged; None for never.
    """

    id: str
    port: int
    grid: int
    queue: QueueTarget
    database: str
    outputs: Path
    mlflow: Path
    resources: Resources
    usage_seconds: int | None = None
    limits: Limits = field(default_factory=Limits)


class ClusterTrustedThirdParty:
    """A cluster TTP as the server sees it."""

    def __init__(self, settings: ClusterSettings) -> None:
        settings.resources.apply()
        self._settings = settings
        self._store = RecordStore(settings.database)
        self._tracker = MlflowTracker(WriterProcess(settings.mlflow))
        runner = JobRunner(self._store, settings.outputs, settings.limits, settings.grid)
        told = followers(self._store, self._tracker)
        queue = TtpQueue(Broker(**vars(settings.queue)), self._store.cluster_id())
        grid = Grid(settings.grid, settings.id)
        self._jobs = LeasedJobs(self._store, Leases(self._store), queue, runner, grid, told)
        self._loop = JobLoop(self._jobs, runner, told, RETRIES)
        self._app = create_status_app(self._store, component="ttp", component_id=settings.id, standing=self._standing)
        self._tracker.start()
        self._jobs.start()
        self._loop.start()
        self._stopped = threading.Event()
        if settings.usage_seconds:
            log_usage(settings.usage_seconds, self._stopped)

    def applications(self) -> Mapping[int, WSGIApplication]:
        """The jobs to read, and the program's health."""
        return {self._settings.port: self._app}

    def stop(self) -> None:
        """Let the running job end at its next step; another TTP, or the next process, goes on with it."""
        self._stopped.set()
        self._loop.stop()
        self._jobs.stop()

    def close(self) -> None:
        """Let go of the sub-grid, of the record store and of what is tracked."""
        self._loop.close()
        self._jobs.close()
        self._tracker.close()
        self._store.close()

    def _standing(self) -> dict[str, object]:
        return {"grid": self._settings.grid, "is_active": self._jobs.is_active}
