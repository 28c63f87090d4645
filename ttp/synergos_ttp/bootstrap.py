"""Wires a TTP together, a basic one or one of a cluster's; everything it talks to is made here and passed on."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

import structlog
from prometheus_client.metrics_core import Metric

from synergos.identity.identity import FOLDER, Renewable
from synergos.in_use import InUse, outputs_alone, outputs_together
from synergos.ledger.ledger import Ledger
from synergos.ledger.place import LedgerPlace
from synergos.orchestration.access import Access
from synergos.orchestration.catalogue_keeper import CatalogueKeeper
from synergos.orchestration.job_metrics import job_metrics
from synergos.orchestration.node_identities import NodeIdentities
from synergos.orchestration.remover import Remover
from synergos.program.health_probe import probe
from synergos.program.health_watch import FolderCheck, HealthWatch
from synergos.program.introducing_probe import IntroducingProbe
from synergos.program.metrics import Answer
from synergos.program.server import Service
from synergos.records import RecordStore
from synergos.records.health import store_checks
from synergos.records.leases import Leases
from synergos.records.members import Members
from synergos.rest.app import create_app, create_status_app
from synergos.rest.request_ledger import RequestLedger
from synergos.tuning.tuner import Tuner
from synergos.upkeep.results import old_rounds
from synergos_ttp.metrics import TtpMetrics
from synergos_ttp.rendezvous.app import RendezvousApp
from synergos_ttp.rendezvous.registered import Registered
from synergos_ttp.rendezvous.rendezvous import Rendezvous
from synergos_ttp.running.attempt import RETRIES
from synergos_ttp.running.cluster_queue import TtpQueue
from synergos_ttp.running.job_loop import JobLoop
from synergos_ttp.running.lease_metrics import lease_metrics
from synergos_ttp.running.leased_jobs import LeasedJobs, SubGrid
from synergos_ttp.running.local_dispatch import LocalDispatcher
from synergos_ttp.running.membership import Membership
from synergos_ttp.running.signatures import Signatures
from synergos_ttp.settings import ClusterSettings, Settings
from synergos_ttp.stages.jobs import JobRunner
from synergos_ttp.subscribers import followers
from synergos_ttp.tracking.checked_writer import CheckedWriter
from synergos_ttp.tracking.mlflow_tracker import MlflowTracker
from synergos_ttp.tracking.note_spool import NoteSpool
from synergos_ttp.tracking.study_watch import StudyWatch
from synergos_ttp.tracking.tracking_metrics import tracking_metrics
from synergos_ttp.tracking.writer_process import WriterProcess
from synergos_ttp.workers.catalogues import WorkerCatalogues
from synergos_ttp.workers.limits import UNCOUNTED
from synergos_ttp.workers.removal import WorkerRemovals
from synergos_ttp.workers.sealing import Introductions, Sealed

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

log = structlog.get_logger(__name__)


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
        self.keys = Renewable(settings.identity or settings.outputs / FOLDER / "ttp.json")
        self.ledger = Ledger.of_several(settings.ledger or LedgerPlace(settings.outputs, "ttp"), self.keys)
        self.requests = RequestLedger(self.ledger)
        log.info("identity", fingerprint=self.keys.now.fingerprint, file=str(self.keys.path))
        self.rendezvous = None if settings.rendezvous_port is None else Rendezvous(Registered(self.store))
        where = replace(settings.limits.where, joined=self.rendezvous)
        settings = replace(settings, limits=replace(settings.limits, where=where))
        if settings.keep_rounds is not None:
            for old in old_rounds(self.store, settings.outputs, settings.keep_rounds, datetime.now(UTC)):
                old.carry_out(settings.outputs)
        writer = CheckedWriter(
            WriterProcess(settings.mlflow, settings.tracking_login, settings.tracking_tls), settings.tracking_servers
        )
        spool = NoteSpool(settings.outputs / ".mlflow_spool", settings.tracking_spool)
        self.tracker = MlflowTracker(spool, writer)
        self._study_watch = StudyWatch(self.store, self.tracker)
        folders = {"outputs": settings.outputs, "mlflow": settings.mlflow}
        looked_at = {name: FolderCheck(folder) for name, folder in folders.items()}
        more = {"ledger": self.ledger.problem, **settings.program.certificate_checks}
        self.health = HealthWatch({**store_checks(self.store), **looked_at, **more})
        self.metrics = TtpMetrics(settings, self.store, self.health) if settings.program.has_metrics else None
        self.measure(tracking_metrics(spool, self.tracker))
        self.tracer = settings.program.tracer("ttp")
        measured = None if self.metrics is None else self.metrics.runs
        self.followers = followers(self.store, self.tracker, measured, self.tracer, self.ledger)
        traffic = UNCOUNTED if self.metrics is None else self.metrics.participants
        self._membership: Membership | None = None
        if settings.cluster is not None:
            self._membership = Membership(self.keys, Members(self.store), settings.program.id)
            self._membership.join()
        self.introductions = Introductions(
            self.keys,
            settings.program.id,
            NodeIdentities(self.store),
            self._endorsement,
            settings.sealed,
        )
        tls = settings.program.tls_to_others
        own = self.introductions
        self.rendezvous_applications: dict[int, WSGIApplication] = {}
        if self.rendezvous is not None and settings.rendezvous_port is not None:
            app = RendezvousApp(self.rendezvous, self.keys, own.name, self._shown, time.monotonic)
            self.rendezvous_applications[settings.rendezvous_port] = app
            self.rendezvous.start()
        self.limits = replace(settings.limits, traffic=traffic, introductions=own, tls=tls)
        self.probe = (
            partial(probe, where=where, tls=tls)
            if settings.sealed is Sealed.OFF
            else IntroducingProbe(self.keys, own.name, where, own.endorsement, tls=tls)
        )
        grid = 0 if settings.cluster is None else settings.cluster.grid
        self.runner = JobRunner(
            self.store,
            settings.outputs,
            self.limits,
            grid,
            settings.keep_versions,
            settings.program.id,
            settings.largest_share,
        )
        self._at_workers = WorkerCatalogues(self.limits, settings.program.id)
        grids = None if settings.cluster is None else {grid}
        self.catalogues = CatalogueKeeper(self.store, grids, self._at_workers)
        self.health.start()
        self.catalogues.start()
        self.tracker.start()
        self._study_watch.start()

    def joined(self) -> frozenset[str]:
        """The fingerprints of the workers that have joined this TTP."""
        return frozenset() if self.rendezvous is None else self.rendezvous.joined()

    @property
    def metrics_answer(self) -> Answer | None:
        """What answers whoever reads the metrics; None where nobody is to."""
        return None if self.metrics is None else self.metrics.answer

    def measure(self, collect: Callable[[], Iterable[Metric]]) -> None:
        """Have something measured whenever the metrics are read, if anybody may."""
        if self.metrics is not None:
            self.metrics.add(collect)

    def signatures(self) -> Signatures:
        """What goes through the queue of a cluster is signed with."""
        assert self._membership is not None  # noqa: S101 - a cluster's TTP has one
        return Signatures(self._membership, self.store.cluster_id())

    def _endorsement(self) -> Mapping[str, object] | None:
        """What this TTP shows of whom it belongs to: one of a cluster's to the director, a basic one to nobody."""
        return None if self._membership is None else self._membership.endorsement()

    def _shown(self) -> Mapping[str, object] | None:
        """The same without waiting for the director, for whoever may ask."""
        return None if self._membership is None else self._membership.shown()

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
        self._at_workers.stop()
        self.catalogues.close()
        if self.rendezvous is not None:
            self.rendezvous.close()
        self.health.close()
        if self.metrics is not None:
            self.metrics.close()
        self._study_watch.close()
        self.tracker.close()
        self.tracer.close()
        self.requests.close()
        self._outputs.release()
        self.store.close()


class BasicTtp:
    """A TTP on its own, as the server sees it."""

    def __init__(self, settings: Settings, parts: _Parts) -> None:
        self._parts = parts
        parts.measure(job_metrics(parts.store))
        self._dispatcher = LocalDispatcher(parts.store, parts.runner, parts.followers)
        self._tuner = Tuner(parts.store, self._dispatcher, settings.outputs, quotas=settings.quotas)
        # Whatever is to be removed is this TTP's to remove: it is the whole grid.
        self._remover = Remover(parts.store, settings.outputs, None, WorkerRemovals(parts.limits, settings.program.id))
        self._dispatcher.start()
        app = create_app(
            parts.store,
            self._dispatcher,
            component_id=settings.program.id,
            outputs=settings.outputs,
            maximum_body=settings.program.maximum_body,
            wake_tuner=self._tuner.wake,
            probe=parts.probe,
            wake_remover=self._remover.wake,
            wake_catalogues=parts.catalogues.wake,
            tracking_servers=settings.tracking_servers.places,
            quotas=settings.quotas,
            metrics=parts.metrics_answer,
            problems=parts.health.problems,
            identity=parts.keys,
            certificate=settings.program.certificate,
            tracer=parts.tracer,
            sign_in=settings.auth.sign_in(parts.store, in_the_clear=settings.program.is_in_the_clear),
            ledger=parts.requests,
            access=Access(parts.store, settings.auth.bound),
        )
        self._applications: Mapping[int, WSGIApplication] = {
            settings.program.port: app,
            **parts.rendezvous_applications,
        }
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
        self._queue_user = cluster.queue.user
        signatures = parts.signatures()
        queue = TtpQueue(cluster.queue, parts.store.cluster_id(), signatures.sign)
        grid = SubGrid(cluster.grid, settings.program.id, settings.outputs, parts.joined)
        self._jobs = LeasedJobs(
            parts.store, Leases(parts.store), queue, parts.runner, grid, signatures, parts.followers
        )
        parts.measure(lease_metrics(self._jobs))
        self._loop = JobLoop(self._jobs, parts.runner, parts.followers, RETRIES)
        app = create_status_app(
            parts.store,
            component="ttp",
            component_id=settings.program.id,
            status=self._status,
            probe=parts.probe,
            grid=cluster.grid,
            metrics=parts.metrics_answer,
            problems=parts.health.problems,
            identity=parts.keys,
            certificate=settings.program.certificate,
            sign_in=settings.auth.sign_in(parts.store, in_the_clear=settings.program.is_in_the_clear),
            ledger=parts.requests,
        )
        self._applications: Mapping[int, WSGIApplication] = {
            settings.program.port: app,
            **parts.rendezvous_applications,
        }
        self._remover = Remover(
            parts.store, settings.outputs, {cluster.grid}, WorkerRemovals(parts.limits, settings.program.id)
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
        return {"grid": self._grid, "is_active": self._jobs.is_active, "queue_user": self._queue_user}
