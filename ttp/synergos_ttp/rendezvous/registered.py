"""Which workers that join are nodes of anybody's: those have a place at the rendezvous whoever else comes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import structlog
from sqlalchemy.exc import SQLAlchemyError

from synergos.domain import grid
from synergos.domain.records import Kind
from synergos.errors import DamagedRecord, SynergosError
from synergos.records import RecordStore

log = structlog.get_logger(__name__)

_SECONDS = 2.0
"""For which what was found holds, or that nothing was: an arrival costs no look at all registrations."""
_AWAY = "the record store does not answer; come again in a moment"


class RecordsAway(SynergosError):
    """Nobody knows who is registered, as the records cannot be read now."""


class Registered:
    """Looks it up in the records; any thread may ask.

    Args:
        clock: monotonic seconds.
    """

    def __init__(self, store: RecordStore, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._clock = clock
        self._found: frozenset[str] = frozenset()
        self._looked = self._failed = float("-inf")
        self._lock = threading.Lock()

    def __call__(self, fingerprint: str) -> bool:
        """Whether a node is registered by this fingerprint.

        Raises:
            RecordsAway: nobody knows.
        """
        with self._lock:
            if self._clock() - self._looked > _SECONDS:
                if self._clock() - self._failed <= _SECONDS:
                    raise RecordsAway(_AWAY)
                self._look()
            return fingerprint in self._found

    def _look(self) -> None:
        try:
            records = self._store.find(Kind.REGISTRATION)
            self._found = frozenset(node.host for record in records for node in grid.nodes_of(record) if node.joins)
        except (SQLAlchemyError, DamagedRecord) as error:
            self._failed = self._clock()
            log.warning("it cannot be seen who is registered", reason=type(error).__name__)
            raise RecordsAway(_AWAY) from error
        self._looked = self._clock()
