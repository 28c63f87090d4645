"""Wires a director together; everything it talks to is made here and passed on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import structlog

from synergos.identity.identity import FOLDER, Renewable
from synergos.identity.signed_messages import MessageSigner
from synergos.in_use import outputs_together
from synergos.ledger.ledger import Ledger
from synergos.ledger.place import LedgerPlace
from synergos.orchestration.access import Access
from synergos.orchestration.job_metrics import job_metrics
from synergos.orchestration.remover import Remover
from synergos.program.health_metrics import health_metrics
from synergos.program.health_watch import FolderCheck, HealthWatch
from synergos.program.introducing_probe import IntroducingProbe
from synergos.program.loop import Loop
from synergos.program.metrics import Metrics
from synergos.records import RecordStore
from synergos.records.health import store_checks
from synergos.records.leases import Leases
from synergos.records.members import Members
from synergos.rest.app import create_app
from synergos.rest.request_ledger import RequestLedger
from synergos.tuning.tuner import Tuner
from synergos_director.cluster_queue import CompletedListener, DirectorQueue
from synergos_director.dispatch import QueueDispatcher
from synergos_director.endorsing import Endorsing
from synergos_director.job_publisher import JobPublisher
from synergos_director.joined import JoinedElsewhere
from synergos_director.outcome_consumer import OutcomeConsumer
from synergos_director.queue_watch import QueueWatch
from synergos_director.reconciler import Reconciler
from synergos_director.settings import Settings
from synergos_director.ttp_signatures import TtpSignatures

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

log = structlog.get_logger(__name__)


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
        keys = Renewable(settings.identity or settings.outputs / FOLDER / "director.json")
        log.info("identity", fingerprint=keys.now.fingerprint, file=str(keys.path))
        self._ledger = Ledger.of_several(settings.ledger or LedgerPlace(settings.outputs, "director"), keys)
        self._requests = RequestLedger(self._ledger)
        endorsing = Endorsing(keys, Members(self._store))
        self._endorsing = Loop("endorsing", endorsing.look)
        self._queue = DirectorQueue(settings.queue, cluster, MessageSigner(lambda: keys.now, cluster))
        self._tracer = settings.program.tracer("director")
        publisher = JobPublisher(self._store, self._queue, self._tracer)
        dispatcher = QueueDispatcher(self._store, leases, publisher)
        signatures = TtpSignatures(endorsing, cluster)
        outcome_consumer = OutcomeConsumer(self._store, leases, publisher, signatures, self._tracer)
        self._listener = CompletedListener(settings.queue, cluster, outcome_consumer)
        self._reconciler = Reconciler(self._store, leases, publisher)
        self._tuner = Tuner(self._store, dispatcher, settings.outputs, quotas=settings.quotas)
        self._health = HealthWatch(
            {
                **store_checks(self._store),
                "outputs": FolderCheck(settings.outputs),
                "ledger": self._ledger.problem,
                **settings.program.certificate_checks,
            }
        )
        # What lies at TTPs and workers, the TTPs of the sub-grids remove.
        self._remover = Remover(self._store, settings.outputs, {None})
        self._queue_watch = QueueWatch(self._queue.look)
        metrics = Metrics("director")
        for measured in (job_metrics(self._store), health_metrics(self._health), self._queue_watch.metrics):
            metrics.add(measured)
        self._app = create_app(
            self._store,
            dispatcher,
            component_id=settings.program.id,
            component="director",
            outputs=settings.outputs,
            maximum_body=settings.program.maximum_body,
            wake_tuner=self._tuner.wake,
            probe=IntroducingProbe(
                keys,
                settings.program.id,
                replace(settings.nodes, joined=JoinedElsewhere(leases.grids)),
                tls=settings.program.tls_to_others,
            ),
            wake_remover=self._remover.wake,
            # The TTPs of the sub-grids ask workers; they find in the record store whom somebody wants to know of.
            wake_catalogues=lambda: None,
            tracking_servers=settings.tracking_servers.places,
            quotas=settings.quotas,
            metrics=metrics.answer if settings.program.has_metrics else None,
            problems=self._health.problems,
            identity=keys,
            certificate=settings.program.certificate,
            tracer=self._tracer,
            sign_in=settings.auth.sign_in(self._store, in_the_clear=settings.program.is_in_the_clear),
            ledger=self._requests,
            access=Access(self._store, settings.auth.bound),
            status=lambda: {"queue_user": settings.queue.user},
            look_at_queues=self._queue_watch.broker,
        )
        self._health.start()
        if settings.program.has_metrics:
            self._queue_watch.start()
        self._endorsing.start()
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
        self._endorsing.close()
        self._health.close()
        self._queue_watch.close()
        self._remover.close()
        self._tuner.close()
        self._listener.close()
        self._reconciler.close()
        self._queue.close()
        self._tracer.close()
        self._requests.close()
        self._outputs.release()
        self._store.close()
