"""The one place where a worker is put together."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

import structlog
from flask import Flask

from synergos.in_use import InUse, outputs_alone
from synergos.program.health_watch import HealthWatch, folder_check
from synergos.program.log_context import ContextPool
from synergos.program.loop import Loop
from synergos.upkeep.predictions import old_predictions
from synergos_worker.app import Parts, create_command_app
from synergos_worker.computing import Computing
from synergos_worker.data_app import DataApp
from synergos_worker.data_root import DataRoot
from synergos_worker.devices import make_ready
from synergos_worker.digests import DIGEST_KEY, Digests, key_in
from synergos_worker.encoded_rows import EncodedRows
from synergos_worker.identity import Identity
from synergos_worker.memory import Memory
from synergos_worker.prediction_files import PredictionFiles
from synergos_worker.preparation import Preparations
from synergos_worker.session_registry import SessionOpener, Sessions
from synergos_worker.settings import Settings
from synergos_worker.tables import Tables

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

log = structlog.get_logger(__name__)

_LONGEST_SWEEP = 60.0
_BETWEEN_TIDYINGS = 3600.0


class WorkerService:
    """A worker as the server sees it: an application per port, and a way to stop."""

    def __init__(self, settings: Settings, parts: Parts, compute: Computing, in_use: InUse) -> None:
        self._in_use = in_use
        self.sessions = parts.sessions
        identity = Identity(settings.component_id)
        self._health = HealthWatch({"outputs": folder_check(settings.outputs), "computing": compute.problem})
        self.command_app: Flask = create_command_app(parts, settings, identity, self._health.problems)
        self.data_app = DataApp(parts.sessions, identity)
        self._settings = settings
        self._preparations = parts.preparations
        self._compute = compute
        self._sweeper = Loop("sweeper", self._sweep)
        self._sweeper.start()
        self._health.start()
        # The folders are looked through: not the sweeper's to wait for.
        self._tidier = Loop("tidier", self._tidy)
        if settings.keep_predictions is not None:
            self._tidier.start()

    def applications(self) -> Mapping[int, WSGIApplication]:
        """The application behind each port."""
        return {self._settings.port: self.command_app, self._settings.data_port: self.data_app}

    def stop(self) -> None:
        """End all sessions and start nothing more; requests in flight are still answered."""
        self._sweeper.stop()
        self._tidier.stop()
        self._preparations.stop()
        self.sessions.stop()

    def close(self) -> None:
        """Wait for the work in hand, which has been told to stop."""
        self.stop()
        self._compute.shutdown(wait=True, cancel_futures=True)
        self._sweeper.close()
        self._health.close()
        self._tidier.close()
        self._in_use.release()

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


def build_worker(
    settings: Settings, *, compute: Executor | None = None, clock: Callable[[], float] = time.monotonic
) -> WorkerService:
    """Put a worker together.

    Args:
        compute: runs what sessions compute, one thing at a time.
        clock: monotonic seconds, for sessions that nobody talks to and work that gives no sign of life.

    Raises:
        Conflict: another program has the outputs folder; says which, and since when.
    """
    settings.outputs.mkdir(parents=True, exist_ok=True)
    # Two would write over each other's predictions, and remove what the other is at.
    in_use = outputs_alone(settings.outputs, settings.component_id)
    make_ready(settings.device)
    computing = Computing(compute or ContextPool(max_workers=1, thread_name_prefix="compute"), clock)
    digests = Digests(partial(key_in, settings.digest_key or settings.outputs / DIGEST_KEY))
    tables = Tables(DataRoot(settings.data), settings.tables, settings.policy, digests, settings.memory.session)
    encoded = EncodedRows(tables, settings.tables, most=settings.memory.program // 4)
    files = PredictionFiles(settings.outputs)
    memory = Memory(settings.memory, encoded)
    opener = SessionOpener(tables, encoded, computing, files, settings.device, settings.limits, memory)
    sessions = Sessions(opener, settings.session_timeout, clock)
    parts = Parts(tables, Preparations(tables, settings.preparations), sessions, settings.outputs)
    return WorkerService(settings, parts, computing, in_use)
