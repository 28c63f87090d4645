"""The keeper of catalogues: a thread that asks workers what they publish, whenever somebody wants to know."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future

import structlog
from sqlalchemy.exc import SQLAlchemyError

from synergos.domain.grid import Node, nodes_of
from synergos.domain.keys import ProjectKey
from synergos.domain.records import Kind
from synergos.domain.tags import Purpose, Tag, declared_tags
from synergos.errors import InvalidRequest, SynergosError
from synergos.program.log_context import ContextPool
from synergos.program.loop import Loop
from synergos.records.catalogues import Catalogues, Place
from synergos.records.store import RecordStore

log = structlog.get_logger(__name__)

SECONDS = 1.0
"""Between two looks whether another program has written down that somebody wants to know."""
_AT_ONCE = 8

AtWorker = Callable[[Node, ProjectKey, Mapping[Purpose, Sequence[Tag]]], Mapping[str, object]]
"""Asks a worker what it publishes in a project, and in which state tagged datasets are; raises a SynergosError where that was in vain."""


class CatalogueKeeper:
    """Asks the workers of one record store, as far as they are this program's to ask.

    Args:
        grids: the sub-grids whose nodes are this program's; all without it.
        at_worker: how one is asked.
    """

    def __init__(
        self,
        store: RecordStore,
        grids: Collection[int] | None,
        at_worker: AtWorker,
        seconds: float = SECONDS,
    ) -> None:
        self._store = store
        self._catalogues = Catalogues(store)
        self._grids = grids
        self._at_worker = at_worker
        self._seconds = seconds
        self._pool = ContextPool(max_workers=_AT_ONCE, thread_name_prefix="catalogue")
        # Who is being asked, by the loop's thread and those of the pool; a set changes at once.
        self._asking = set[Place]()
        self._loop = Loop("catalogues", self._turn, pause=seconds)

    def start(self) -> None:
        """Begin."""
        self._loop.start()

    def wake(self) -> None:
        """Look now: somebody wants to know."""
        self._loop.wake()

    def close(self) -> None:
        """End; whoever asks is to be told before that nobody waits for an answer any more."""
        self._loop.close()
        self._pool.shutdown(cancel_futures=True)

    def look(self) -> list[Future[None]]:
        """Have whomever somebody wants to know of asked, once each, and wait for nobody: some files take long to be looked through."""
        due = [
            place
            for place in self._catalogues.due(self._store.database.now(), self._grids)
            if place not in self._asking
        ]
        self._asking |= set(due)
        return [self._pool.submit(self._asked, place) for place in due]

    def _asked(self, place: Place) -> None:
        try:
            self._ask(place)
        except SQLAlchemyError as error:
            log.warning("a catalogue waits", reason=type(error).__name__)
        except Exception:
            # Nobody waits for it who could say so.
            log.exception("a catalogue could not be asked for", node=place[1], **place[0])
        finally:
            self._asking.discard(place)

    def _ask(self, place: Place) -> None:
        key, index = place
        node = self._node(place)
        if node is None or node.nonce is None:
            self._catalogues.forget([place])
            return
        asked_at = self._store.database.now()
        try:
            found = self._at_worker(node, key.project, self._tags(place))
        except SynergosError as error:
            log.info("a catalogue is not told", node=index, reason=str(error), **key)
            self._catalogues.missed(place, asked_at, str(error))
        else:
            self._catalogues.found(place, node.nonce, asked_at, found)

    def _node(self, place: Place) -> Node | None:
        key, index = place
        nodes = [node for record in self._store.find(Kind.REGISTRATION, key) for node in nodes_of(record)]
        return nodes[index] if index < len(nodes) else None

    def _tags(self, place: Place) -> Mapping[Purpose, Sequence[Tag]]:
        """What its participant has tagged; nothing where that cannot be read."""
        for record in self._store.find(Kind.TAG, place[0]):
            try:
                return declared_tags(record)
            except InvalidRequest:
                return {}
        return {}

    def _turn(self) -> float:
        try:
            self.look()
        except SQLAlchemyError as error:
            log.warning("catalogues wait", reason=type(error).__name__)
        return self._seconds
