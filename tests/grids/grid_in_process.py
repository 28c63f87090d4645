"""A basic TTP and its workers in this very process, behind loopback ports: what a test registers is known to all of them."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from werkzeug.serving import make_server

from synergos import Driver
from synergos.orchestration.remover import Remover
from synergos.records import RecordStore
from synergos.rest import create_app
from synergos_ttp.running.local_dispatch import LocalDispatcher
from synergos_ttp.stages.jobs import JobRunner
from synergos_ttp.workers.limits import Limits
from synergos_ttp.workers.removal import WorkerRemovals
from synergos_worker.bootstrap import build_worker
from synergos_worker.disclosure.policy import OPEN, Policy
from synergos_worker.policy.limits import UNLIMITED, OwnerLimits
from synergos_worker.settings import Settings

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

HOST = "127.0.0.1"


@dataclass(frozen=True)
class Place:
    """Where a worker listens."""

    participant_id: str
    port: int
    data_port: int


@dataclass(frozen=True)
class GridInProcess:
    """A running grid.

    Attributes:
        outputs: of the TTP; those of each worker lie beside it.
        closed: the ports at which nobody is answered.
    """

    driver: Driver
    workers: Sequence[Place]
    outputs: Path
    closed: set[int]

    @contextmanager
    def away(self, worker: Place) -> Iterator[None]:
        """Inside, whoever connects to a worker is sent away without a word."""
        self.closed.update({worker.port, worker.data_port})
        try:
            yield
        finally:
            self.closed.difference_update({worker.port, worker.data_port})


@contextmanager
def started(
    folder: Path,
    data: Path,
    participants: Sequence[str],
    *,
    policy: Policy = OPEN,
    limits: OwnerLimits = UNLIMITED,
) -> Iterator[GridInProcess]:
    """A grid whose workers all have the same data root; the same may leave all of them, and be asked of all of them."""
    with ExitStack() as stack:
        closed: set[int] = set()
        workers = [
            stack.enter_context(_worker(Settings(data, folder / who, policy=policy, limits=limits), who, closed))
            for who in participants
        ]
        store = RecordStore(f"sqlite:///{folder / 'records.sqlite'}")
        stack.callback(store.close)
        outputs = folder / "ttp"
        outputs.mkdir(parents=True)
        dispatcher = LocalDispatcher(store, JobRunner(store, outputs))
        dispatcher.start()
        stack.callback(dispatcher.close)
        stack.callback(dispatcher.stop)
        remover = Remover(store, outputs, None, WorkerRemovals(Limits(connect=60.0)), retry_seconds=0.2)
        remover.start()
        stack.callback(remover.close)
        app = create_app(store, dispatcher, component_id="ttp/test", outputs=outputs, wake_remover=remover.wake)
        port = stack.enter_context(_served(app))
        yield GridInProcess(Driver(host=HOST, port=port), workers, outputs, closed)


@contextmanager
def _worker(settings: Settings, participant_id: str, closed: set[int]) -> Iterator[Place]:
    service = build_worker(settings)
    try:
        with _served(service.command_app, closed) as port, _served(service.data_app, closed) as data_port:
            yield Place(participant_id, port, data_port)
    finally:
        service.close()


@contextmanager
def _served(app: WSGIApplication, closed: Collection[int] = ()) -> Iterator[int]:
    """The port that an application answers at, unless it is one of those that are closed."""
    server = make_server(HOST, 0, app, threaded=True)
    server.verify_request = lambda *_request: server.server_port not in closed  # type: ignore[method-assign]
    thread = threading.Thread(target=server.serve_forever, name="server")
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
