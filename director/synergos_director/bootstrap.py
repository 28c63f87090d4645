"""Wires a director together; everything it talks to is made here and passed on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from synergos.records import RecordStore
from synergos.records.leases import Leases
from synergos.rest.app import create_app
from synergos.tuning.tuner import Tuner
from synergos_director.announcer import Announcer
from synergos_director.archivist import Archivist
from synergos_director.cluster_queue import CompletedListener, DirectorQueue
from synergos_director.dispatch import QueueDispatcher
from synergos_director.settings import Settings
from synergos_director.watch import Watch

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


class Director:
    """A director as the server sees it."""

    def __init__(self, settings: Settings) -> None:
        self._port = settings.program.port
        self._store = RecordStore(settings.database)
        leases = Leases(self._store)
        cluster = self._store.cluster_id()
        self._queue = DirectorQueue(settings.queue, cluster)
        announcer = Announcer(self._store, self._queue)
        dispatcher = QueueDispatcher(self._store, leases, announcer)
        archivist = Archivist(self._store, leases, announcer)
        self._listener = CompletedListener(settings.queue, cluster, archivist)
        self._watch = Watch(self._store, leases, announcer)
        self._tuner = Tuner(self._store, dispatcher, settings.outputs)
        self._app = create_app(
            self._store,
            dispatcher,
            component_id=settings.program.id,
            component="director",
            outputs=settings.outputs,
            maximum_body=settings.program.maximum_body,
            wake_tuner=self._tuner.wake,
        )
        self._listener.start()
        self._watch.start()
        self._tuner.start()

    def applications(self) -> Mapping[int, WSGIApplication]:
        """The orchestrator's REST interface."""
        return {self._port: self._app}

    def stop(self) -> None:
        """Archive nothing more; what comes back stays queued for the next process."""
        self._listener.stop()

    def close(self) -> None:
        """Let go of the queue and of the record store."""
        self._tuner.close()
        self._listener.close()
        self._watch.close()
        self._queue.close()
        self._store.close()
