"""A basic TTP and its workers in this very process, behind loopback ports: what a test registers is known to all of them."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from werkzeug.serving import make_server

from synergos import Driver
from synergos.records import RecordStore
from synergos.rest import create_app
from synergos_ttp.running.local_dispatch import LocalDispatcher
from synergos_ttp.stages.jobs import JobRunner
from synergos_worker.bootstrap import build_worker
from synergos_worker.disclosure.policy import OPEN, Policy
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
        outputs: of the TTP.
    """

    driver: Driver
    workers: Sequence[Place]
    outputs: Path


@contextmanager
def started(folder: Path, data: Path, participants: Sequence[str], *, policy: Policy = OPEN) -> Iterator[GridInProcess]:
    """A grid whose workers all have the same data root; the same may leave all of them."""
    with ExitStack() as stack:
        workers = [stack.enter_context(_worker(who, data, folder / who, policy)) for who in participants]
        store = RecordStore(f"sqlite:///{folder / 'records.sqlite'}")
        stack.callback(store.close)
        outputs = folder / "ttp"
        outputs.mkdir(parents=True)
        dispatcher = LocalDispatcher(store, JobRunner(store, outputs))
        dispatcher.start()
        stack.callback(dispatcher.close)
        stack.callback(dispatcher.stop)
        port = stack.enter_context(_served(create_app(store, dispatcher, component_id="ttp/test")))
        yield GridInProcess(Driver(host=HOST, port=port), workers, outputs)


@contextmanager
def _worker(participant_id: str, data: Path, outputs: Path, policy: Policy) -> Iterator[Place]:
    service = build_worker(Settings(data, outputs, policy=policy))
    try:
        with _served(service.command_app) as port, _served(service.data_app) as data_port:
            yield Place(participant_id, port, data_port)
    finally:
        service.close()


@contextmanager
def _served(app: WSGIApplication) -> Iterator[int]:
    """The port that an application answers at."""
    server = make_server(HOST, 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, name="server")
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
