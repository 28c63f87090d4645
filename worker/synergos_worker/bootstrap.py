"""The one place where a worker is put together."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
from flask import Flask

from synergos.errors import Conflict
from synergos.identity.arrival import Keeper
from synergos.identity.decisions import Standing
from synergos.identity.identity import FOLDER, Renewable
from synergos.identity.peers import Peers
from synergos.in_use import InUse, outputs_alone
from synergos.ledger.handed_over import HandedOver
from synergos.ledger.ledger import Ledger
from synergos.ledger.place import LedgerPlace
from synergos.permission.counts import COUNTS, Counts, utc_today
from synergos.permission.told import TOLD, Told
from synergos.program import freed_memory
from synergos.program.dialling import Adopt
from synergos.program.health_file import HealthFile
from synergos.program.health_watch import Check, FolderCheck, HealthWatch
from synergos.program.log_context import ContextPool
from synergos.program.loop import Loop
from synergos.tracing import OFF, Tracer
from synergos.upkeep.predictions import old_predictions
from synergos_worker.app import create_command_app, health_of
from synergos_worker.approvals import Approvals
from synergos_worker.cataloguing.catalogue import Catalogue
from synergos_worker.command import Parts
from synergos_worker.component import Component
from synergos_worker.computing import Computing
from synergos_worker.consents import Consents
from synergos_worker.data_app import UNCOUNTED, DataApp
from synergos_worker.data_root import DataRoot
from synergos_worker.devices import make_ready
from synergos_worker.digests import DIGEST_KEY, Digests, key_in
from synergos_worker.door import Door
from synergos_worker.encoded_rows import EncodedRows
from synergos_worker.joining.dialler import Dialler
from synergos_worker.joining.rendezvous import Meeting
from synergos_worker.memory import Memory, Spares
from synergos_worker.metrics import WorkerMetrics
from synergos_worker.permissions import Permissions
from synergos_worker.prediction_files import PredictionFiles
from synergos_worker.preparation import Preparations
from synergos_worker.session_opener import SessionOpener
from synergos_worker.session_registry import Sessions
from synergos_worker.settings import Settings
from synergos_worker.tables import Tables
from synergos_worker.use_ledger import UseLedger
from synergos_worker.visitors import LOOK, Visitors

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

log = structlog.get_logger(__name__)

_LONGEST_SWEEP = 60.0
_BETWEEN_TIDYINGS = 3600.0


class WorkerService:
    """A worker as the server sees it: an application per port, and a way to stop."""

    def __init__(
        self,
        settings: Settings,
        parts: Parts,
        compute: Computing,
        in_use: InUse,
        visitors: Visitors,
        tracer: Tracer = OFF,
    ) -> None:
        self._in_use = in_use
        self._use = parts.use
        self._consents = parts.consents
        self._tracer = tracer
        self.sessions = parts.sessions
        self.visitors = visitors
        tls = settings.tls
        identity = Component(settings.component_id, visitors.keys, certificate=dict if tls is None else tls.told)
        outputs, ledger = FolderCheck(settings.outputs), parts.use.ledger
        looked_at: dict[str, Check] = {"outputs": outputs, "computing": compute.problem, "ledger": ledger.problem}
        if tls is not None and tls.files.is_server:
            looked_at["certificate"] = tls.problem
        self._health = HealthWatch(looked_at)
        measured = (
            WorkerMetrics(parts.sessions, parts.preparations.waiting, self._health) if settings.has_metrics else None
        )
        self.command_app: Flask = create_command_app(
            parts, settings, identity, self._health.problems, None if measured is None else measured.answer, tracer
        )
        traffic = UNCOUNTED if measured is None else measured
        self.data_app = DataApp(parts.sessions, identity, traffic, tracer, parts.use.refused_in_session)
        self._dialler = None if settings.meeting is None else _dialler(settings, settings.meeting, visitors, identity)
        self._health_file = (
            None
            if self._dialler is None
            else HealthFile(settings.outputs, partial(_health, parts, settings, identity, self._health, self._dialler))
        )
        self._settings = settings
        self._preparations = parts.preparations
        self._approvals = parts.approvals
        self._compute = compute
        self._sweeper = Loop("sweeper", self._sweep)
        self._sweeper.start()
        self._door = Door(visitors, parts.use.not_let_in)
        self._handed_over = HandedOver(settings.outputs / FOLDER, ledger)
        self._looking = Loop("decisions", self._look)
        self._looking.start()
        self._health.start()
        # The folders are looked through: not the sweeper's to wait for.
        self._tidier = Loop("tidier", self._tidy)
        if settings.keep_predictions is not None:
            self._tidier.start()

    def applications(self) -> Mapping[int, WSGIApplication]:
        """The application behind each port."""
        applications: dict[int, WSGIApplication] = {
            self._settings.port: self.command_app,
            self._settings.data_port: self.data_app,
        }
        return {port: self._door.in_front_of(application) for port, application in applications.items()}

    def dial(self, adopt: Adopt) -> None:
        """Be there for an orchestrator that cannot connect; see :class:`synergos.program.dialling.Dialling`."""
        if self._dialler is not None:
            self._dialler.start(adopt)
        if self._health_file is not None:
            self._health_file.start()

    def stop(self) -> None:
        """End all sessions and start nothing more; requests in flight are still answered."""
        if self._dialler is not None:
            self._dialler.stop()
        self._sweeper.stop()
        self._looking.stop()
        self._tidier.stop()
        self._preparations.stop()
        self.sessions.stop()

    def close(self) -> None:
        """Wait for the work in hand, which has been told to stop."""
        self.stop()
        if self._dialler is not None:
            self._dialler.close()
        if self._health_file is not None:
            self._health_file.close()
        self._compute.shutdown(wait=True, cancel_futures=True)
        self._sweeper.close()
        self._looking.close()
        self._health.close()
        self._tidier.close()
        self._tracer.close()
        self._use.close()
        self._in_use.release()

    def _look(self) -> float:
        """Take up what the owner has decided; of what one file says nothing hinges on another one."""
        looks: dict[str, Callable[[], object]] = {
            "identities": self.visitors.look,
            "projects": self._look_at_projects,
            "permissions": self.sessions.end_refused,
            "computations": self._approvals.look,
            "ledger": self._handed_over.look,
        }
        for about, look in looks.items():
            try:
                look()
            except Exception:
                log.exception("nothing was taken up of what the owner has decided", about=about)
        return LOOK

    def _look_at_projects(self) -> None:
        try:
            ended = self._consents.look()
        except Conflict as error:
            log.error("nothing was taken up of projects that were ended", reason=str(error))
            return
        for peer, project in ended:
            self.sessions.end_those_of_project(peer, project)

    def _sweep(self) -> float:
        self.sessions.sweep()
        return min(self._settings.session_timeout / 4, _LONGEST_SWEEP)

    def _tidy(self) -> float:
        kept, outputs = self._settings.keep_predictions, self._settings.outputs
        if kept is not None:
            for old in old_predictions(outputs, kept, datetime.now(UTC)):
                old.carry_out(outputs)
                log.info("old predictions removed", folder=str(old.path), reason=old.why)
        return _BETWEEN_TIDYINGS


def _dialler(settings: Settings, meeting: Meeting, visitors: Visitors, identity: Component) -> Dialler:
    """What keeps a worker joined at a rendezvous, unless its owner has revoked the approval of who keeps that."""

    def believe(keeper: Keeper) -> None:
        known = (keeper.fingerprint, *keeper.line)
        if any(visitors.peers.standing(each, keeper.director) is Standing.REVOKED for each in known):
            raise Conflict(f"the owner of this worker has revoked the approval of {keeper.fingerprint}")

    return Dialler(meeting, visitors.keys, identity.instance, (settings.port, settings.data_port), believe)


def _health(
    parts: Parts, settings: Settings, identity: Component, watch: HealthWatch, dialler: Dialler
) -> dict[str, object]:
    """What a worker says of itself that nobody can ask; that its orchestrator is away is no problem of its own."""
    return health_of(parts, settings, identity, watch.problems, joined=dialler.joined.to_dict())


@dataclass(frozen=True)
class _Asked:
    """What is open or in hand for somebody: all of it ends with the owner's approval."""

    sessions: Sessions
    preparations: Preparations

    def peers(self) -> set[str]:
        """For whom."""
        return self.sessions.peers() | self.preparations.peers()

    def end_those_of(self, peers: Collection[str]) -> None:
        """End what is for some."""
        self.preparations.end_those_of(peers)
        self.sessions.end_those_of(peers)


def _may_rival(peers: Peers, other: str, director: str) -> bool:
    """See :class:`synergos_worker.consents.Consents`; where everybody is trusted nobody does."""
    return not peers.trust.is_open and peers.standing(other, director) is Standing.APPROVED


def _tell(told: Told, path: Path) -> None:
    """Leave word for commands on the worker's folder; without it they have to be told more, and the worker does all it does."""
    try:
        if not told.stands_in(path):
            told.write(path)
    except OSError as error:
        log.warning("commands are not told how the worker was started", file=str(path), reason=error.strerror)


def build_worker(
    settings: Settings,
    *,
    compute: Executor | None = None,
    clock: Callable[[], float] = time.monotonic,
    today: Callable[[], str] = utc_today,
    tracer: Tracer = OFF,
) -> WorkerService:
    """Put a worker together.

    Args:
        compute: runs what sessions compute, one thing at a time.
        clock: monotonic seconds, for sessions that nobody talks to and work that gives no sign of life.
        today: the day that uses are counted for.
        tracer: is told of requests that are sent in traces; closed with the worker.

    Raises:
        Conflict: another program has the outputs folder; says which, and since when. Or the ledger is damaged.
    """
    settings.outputs.mkdir(parents=True, exist_ok=True)
    # Two would write over each other's predictions, and remove what the other is at.
    in_use = outputs_alone(settings.outputs, settings.component_id)
    keys = Renewable(settings.identity or settings.outputs / FOLDER / "worker.json")
    peers = Peers(settings.outputs / FOLDER, settings.trust, clock)
    ledger = Ledger.of_several(LedgerPlace(settings.outputs, "worker"), keys)
    use = UseLedger(ledger, lambda who: visitors.director_of(who), clock)
    make_ready(settings.device)
    computing = Computing(compute or ContextPool(1, "compute", freed_memory.keep), clock)
    digests = Digests(partial(key_in, settings.digest_key or settings.outputs / DIGEST_KEY))
    most = settings.memory.program // 4
    root = DataRoot(settings.data)
    tables = Tables(
        root,
        settings.tables,
        settings.policy,
        digests,
        settings.memory.session,
        most,
        lambda: memory.make_room(),
    )
    encoded = EncodedRows(tables, settings.tables, most=most)
    files = PredictionFiles(settings.outputs)
    memory = Memory(settings.memory, Spares(tables, encoded))
    opener = SessionOpener(tables, encoded, computing, files, settings.device, settings.limits, memory)
    sessions = Sessions(opener, settings.session_timeout, clock, use)
    prepared = Preparations(tables, settings.preparations, use)
    own_name = settings.participant or settings.component_id
    rivals = partial(_may_rival, peers)
    consents = Consents(settings.outputs / FOLDER, keys, own_name, peers.line, rivals, use.consenting)
    _tell(Told(str(settings.data.resolve()), settings.default_permission), settings.outputs / FOLDER / TOLD)
    counts = Counts(settings.outputs / FOLDER / COUNTS, today)
    approvals = Approvals(settings.outputs / FOLDER, clock, is_needed=settings.approve_models)
    permissions = Permissions(settings.data, settings.default_permission, peers.line, counts)
    catalogue = Catalogue(root, settings.policy, settings.catalogue)
    is_open = settings.trust.is_open
    parts = Parts(
        tables, prepared, sessions, settings.outputs, consents, permissions, approvals, use, catalogue, is_open
    )
    visitors = Visitors(keys, peers, _Asked(sessions, prepared), clock, use.revoked)
    log.info("identity", fingerprint=keys.now.fingerprint, file=str(keys.path))
    use.started(settings.component_id, own_name, is_open=settings.trust.is_open)
    return WorkerService(settings, parts, computing, in_use, visitors, tracer)
