"""Wires a director together; everything it talks to is made here and passed on."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

from synergos.in_use import outputs_together
from synergos.orchestration.job_metrics import job_metrics
from synergos.orchestration.remover import Remover
from synergos.program.health_probe import probe
from synergos.program.health_watch import HealthWatch, folder_check
from synergos.program.metrics import Metrics
from synergos.records import RecordStore
from synergos.records.health import store_checks
from synergos.records.leases import Leases
from synergos.rest.app import create_app
from synergos.tuning.tuner import Tuner
from synergos_director.cluster_queue import CompletedListener, DirectorQueue
from synergos_director.dispatch import QueueDispatcher
from synergos_director.job_publisher import JobPublisher
from synergos_director.outcome_consumer import OutcomeConsumer
from synergos_director.reconciler import Reconciler
from synergos_director.settings import Settings

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


class Director:
    """A director as the server sees it."""

    def __init__(self, settings: Settings) -> None:
        self._port = settings.program.port
        self._store = RecordStore(settings.database)
        leases = Leases(self._store)
        cluster = self._store.cluster_id()
        # With the cluster's TTPs, and with no basic one: that would take up what waits here for them.
        self._store.database.share(settings.program.id)
        self._outputs = outputs_together(settings.outputs, settings.program.id, cluster)
        self._queue = DirectorQueue(settings.queue, cluster)
        publisher = JobPublisher(self._store, self._queue)
        dispatcher = QueueDispatcher(self._store, leases, publisher)
        outcome_consumer = OutcomeConsumer(self._store, leases, publisher)
        self._listener = CompletedListener(settings.queue, cluster, outcome_consumer)
        self._reconciler = Reconciler(self._store, leases, publisher)
        self._tuner = Tuner(self._store, dispatcher, settings.outputs, quotas=settings.quotas)
        self._health = HealthWatch({**store_checks(self._store), "outputs": folder_check(settings.outputs)})
        # What lies at TTPs and workers, the TTPs of the sub-grids remove.
        self._remover = Remover(self._store, settings.outputs, {None})
        metrics = Metrics("director")
        metrics.add(job_metrics(self._store))
        self._app = create_app(
            self._store,
            dispatcher,
            component_id=settings.program.id,
            component="director",
            outputs=settings.outputs,
            maximum_body=settings.program.maximum_body,
            wake_tuner=self._tuner.wake,
            probe=partial(probe, where=settings.nodes),
            wake_remover=self._remover.wake,
            tracking_servers=settings.tracking_servers.places,
            quotas=settings.quotas,
            metrics=metrics.answer if settings.program.has_metrics else None,
            problems=self._health.problems,
        )
        self._health.start()
        self._listener.start()
        self._reconciler.start()
        self._tuner.start()
        self._remover.start()

    def applications(self) -> Mapping[int, WSGIApplication]:
        """The orchestrator's REST interface."""
        return {self._port: self._app}

    def stop(self) -> None:
        """Archive nothing more; what comes back stays queued for the next process."""
        self._listener.stop()

    def close(self) -> None:
        """Let go of the queue and of the record store."""
        self._health.close()
        self._remover.close()
        self._tuner.close()
        self._listener.close()
        self._reconciler.close()
        self._queue.close()
        self._outputs.release()
        self._store.close()
