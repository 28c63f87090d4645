"""Wires a TTP together, a basic one or one of a cluster's; everything it talks to is made here and passed on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from synergos.in_use import InUse, outputs_alone, outputs_together
from synergos.orchestration.job_metrics import job_metrics
from synergos.orchestration.remover import Remover
from synergos.program.health_probe import probe
from synergos.program.health_watch import HealthWatch, folder_check
from synergos.program.metrics import Answer, Metrics
from synergos.program.server import Service
from synergos.records import RecordStore
from synergos.records.health import store_checks
from synergos.records.leases import Leases
from synergos.rest.app import create_app, create_status_app
from synergos.tuning.tuner import Tuner
from synergos.upkeep.results import old_rounds
from synergos_ttp.running.attempt import RETRIES
from synergos_ttp.running.cluster_queue import TtpQueue
from synergos_ttp.running.job_loop import JobLoop
from synergos_ttp.running.leased_jobs import LeasedJobs, SubGrid
from synergos_ttp.running.local_dispatch import LocalDispatcher
from synergos_ttp.settings import ClusterSettings, Settings
from synergos_ttp.stages.jobs import JobRunner
from synergos_ttp.subscribers import followers
from synergos_ttp.subscribers.metrics import RunMetrics
from synergos_ttp.tracking.checked_writer import CheckedWriter
from synergos_ttp.tracking.mlflow_tracker import MlflowTracker
from synergos_ttp.tracking.writer_process import WriterProcess
from synergos_ttp.workers.removal import WorkerRemovals

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


def build_ttp(settings: Settings) -> Service:
    """The TTP that is wanted."""
    parts = _Parts(settings)
    return BasicTtp(settings, parts) if settings.cluster is None else ClusterTtp(settings, parts, settings.cluster)


class _Parts:
    """What a TTP is made of wherever its jobs come from."""

    def __init__(self, settings: Settings) -> None:
        settings.outputs.mkdir(parents=True, exist_ok=True)
        self.store = RecordStore(settings.database)
        self._outputs = self._hold(settings)
        if settings.keep_rounds is not None:
            for old in old_rounds(self.store, settings.outputs, settings.keep_rounds, datetime.now(UTC)):
                old.carry_out(settings.outputs)
        self.tracker = MlflowTracker(CheckedWriter(WriterProcess(settings.mlflow), settings.tracking_servers))
        self.metrics = Metrics("ttp")
        self.followers = followers(self.store, self.tracker, RunMetrics(self.metrics.registry))
        grid = 0 if settings.cluster is None else settings.cluster.grid
        self.runner = JobRunner(
            self.store,
            settings.outputs,
            settings.limits,
            grid,
            settings.keep_versions,
            settings.program.id,
            settings.largest_share,
        )
        folders = {"outputs": settings.outputs, "mlflow": settings.mlflow}
        looked_at = {name: folder_check(folder) for name, folder in folders.items()}
        self.health = HealthWatch(store_checks(self.store) | looked_at)
        self.health.start()
        self.tracker.start()
        self.has_metrics = settings.program.has_metrics

    @property
    def metrics_answer(self) -> Answer | None:
        """What answers whoever reads the metrics; None where nobody is to."""
        return self.metrics.answer if self.has_metrics else None

    def _hold(self, settings: Settings) -> InUse:
        """Take records and outputs; a cluster's TTPs share both with each other and with nobody else."""
        who, database = settings.program.id, self.store.database
        try:
            if settings.cluster is not None:
                database.share(who)
                return outputs_together(settings.outputs, who, self.store.cluster_id())
            # Two would take up each other's running jobs, and end each other's sessions, for ever.
            database.hold(who)
            return outputs_alone(settings.outputs, who)
        except BaseException:
            self.store.close()
            raise

    def close(self) -> None:
        """Let go of the record store, of the outputs and of what is tracked."""
        self.health.close()
        self.tracker.close()
        self._outputs.release()
        self.store.close()


class BasicTtp:
    """A TTP on its own, as the server sees it."""

    def __init__(self, settings: Settings, parts: _Parts) -> None:
        self._parts = parts
        parts.metrics.add(job_metrics(parts.store))
        self._dispatcher = LocalDispatcher(parts.store, parts.runner, parts.followers)
        self._tuner = Tuner(parts.store, self._dispatcher, settings.outputs, quotas=settings.quotas)
        # Whatever is to be removed is this TTP's to remove: it is the whole grid.
        self._remover = Remover(
            parts.store, settings.outputs, None, WorkerRemovals(settings.limits, settings.program.id)
        )
        self._dispatcher.start()
        app = create_app(
            parts.store,
            self._dispatcher,
            component_id=settings.program.id,
            outputs=settings.outputs,
            maximum_body=settings.program.maximum_body,
            wake_tuner=self._tuner.wake,
            probe=partial(probe, where=settings.limits.where),
            wake_remover=self._remover.wake,
            tracking_servers=settings.tracking_servers.places,
            quotas=settings.quotas,
            metrics=parts.metrics_answer,
            problems=parts.health.problems,
        )
        self._applications = {settings.program.port: app}
        self._tuner.start()
        self._remover.start()

    def applications(self) -> Mapping[int, WSGIApplication]:
        """The orchestrator's REST interface."""
        return self._applications

    def stop(self) -> None:
        """Let the running job end at its next step."""
        self._dispatcher.stop()

    def close(self) -> None:
        """Let go of everything."""
        self._remover.close()
        self._tuner.close()
        self._dispatcher.close()
        self._parts.close()


class ClusterTtp:
    """One of a cluster's TTPs, as the server sees it: it takes its jobs from the queue and answers questions only."""

    def __init__(self, settings: Settings, parts: _Parts, cluster: ClusterSettings) -> None:
        self._parts = parts
        self._grid = cluster.grid
        queue = TtpQueue(cluster.queue, parts.store.cluster_id())
        grid = SubGrid(cluster.grid, settings.program.id, settings.outputs)
        self._jobs = LeasedJobs(parts.store, Leases(parts.store), queue, parts.runner, grid, parts.followers)
        self._loop = JobLoop(self._jobs, parts.runner, parts.followers, RETRIES)
        app = create_status_app(
            parts.store,
            component="ttp",
            component_id=settings.program.id,
            status=self._status,
            probe=partial(probe, where=settings.limits.where),
            grid=cluster.grid,
            metrics=parts.metrics_answer,
            problems=parts.health.problems,
        )
        self._applications = {settings.program.port: app}
        self._remover = Remover(
            parts.store, settings.outputs, {cluster.grid}, WorkerRemovals(settings.limits, settings.program.id)
        )
        self._jobs.start()
        self._loop.start()
        self._remover.start()

    def applications(self) -> Mapping[int, WSGIApplication]:
        """The jobs to read, and the program's health."""
        return self._applications

    def stop(self) -> None:
        """Let the running job end at its next step; another TTP, or the next process, goes on with it."""
        self._loop.stop()
        self._jobs.stop()

    def close(self) -> None:
        """Let go of the sub-grid, and of everything else."""
        self._remover.close()
        self._loop.close()
        self._jobs.close()
        self._parts.close()

    def _status(self) -> dict[str, object]:
        return {"grid": self._grid, "is_active": self._jobs.is_active}
