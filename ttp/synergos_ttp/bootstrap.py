"""Wires a basic TTP together; everything it talks to is made here and passed on."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from synergos.program.resources import Resources, log_usage
from synergos.records import RecordStore
from synergos.rest.app import create_app
from synergos.tuning.tuner import Tuner
from synergos_ttp.running.local_dispatch import LocalDispatcher
from synergos_ttp.stages.jobs import JobRunner
from synergos_ttp.subscribers import followers
from synergos_ttp.tracking.mlflow_tracker import MlflowTracker
from synergos_ttp.tracking.writer_process import WriterProcess
from synergos_ttp.workers.limits import Limits

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


@dataclass(frozen=True)
class Settings:
    """What a basic TTP is told.

    Attributes:
        database: SQLAlchemy URL of the record store.
        mlflow: folder of the local MLflow store, for collaborations that name no server of their own.
        usage_seconds: how often processor and memory use are logged; None for never.
    """

    id: str
    port: int
    database: str
    outputs: Path
    mlflow: Path
    resources: Resources
    maximum_body: int
    usage_seconds: int | None = None
    limits: Limits = field(default_factory=Limits)


class TrustedThirdParty:
    """A basic TTP as the server sees it."""

    def __init__(self, settings: Settings) -> None:
        settings.resources.apply()
        settings.outputs.mkdir(parents=True, exist_ok=True)
        self._port = settings.port
        self._store = RecordStore(settings.database)
        self._tracker = MlflowTracker(WriterProcess(settings.mlflow))
        runner = JobRunner(self._store, settings.outputs, settings.limits)
        self._dispatcher = LocalDispatcher(self._store, runner, followers(self._store, self._tracker))
        self._tuner = Tuner(self._store, self._dispatcher, settings.outputs)
        self._dispatcher.start()
        self._app = create_app(
            self._store,
            self._dispatcher,
            component_id=settings.id,
            outputs=settings.outputs,
            maximum_body=settings.maximum_body,
            wake_tuner=self._tuner.wake,
        )
        self._tuner.start()
        self._tracker.start()
        self._stopped = threading.Event()
        if settings.usage_seconds:
            log_usage(settings.usage_seconds, self._stopped)

    def applications(self) -> Mapping[int, WSGIApplication]:
        """The orchestrator's REST interface."""
        return {self._port: self._app}

    def stop(self) -> None:
        """Let the running job end at its next step."""
        self._stopped.set()
        self._dispatcher.stop()

    def close(self) -> None:
        """Let go of the record store and of what is tracked."""
        self._tuner.close()
        self._dispatcher.close()
        self._tracker.close()
        self._store.close()
