"""What has changed, as those hear of it who may read it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from synergos.domain.records import Kind
from synergos.orchestration.access import Access
from synergos.orchestration.caller import Caller
from synergos.records.changes import JOB, Change, Since
from synergos.records.changes import Changes as RecordedChanges
from synergos.records.store import RecordStore

MOST = 500
"""Changes that are told at once; the others are told who asks on."""


@dataclass(frozen=True)
class Waiting:
    """How long somebody waits for a change.

    Attributes:
        seconds: at most.
        is_over: whether nobody waits any more; asked now and then, by the thread that waits.
    """

    seconds: float
    is_over: Callable[[], bool]


class Changes:
    """What changes in one record store."""

    def __init__(self, store: RecordStore, access: Access | None = None) -> None:
        self._changes = RecordedChanges(store.database)
        self._access = access or Access(store)

    def now(self) -> int:
        """The number of the last change there was."""
        return self._changes.newest()

    def since(self, caller: Caller, number: int, waiting: Waiting | None = None) -> Since:
        """What has changed after a number, of what the caller may read.

        Args:
            waiting: how long to wait where that is nothing; not at all without it.
        """
        may_hear = _Hearing(self._access, caller)
        until = 0.0 if waiting is None else time.monotonic() + waiting.seconds
        while True:
            found = self._changes.since(number, MOST)
            told = [change for change in found.changes if may_hear(change)]
            if told or not found.is_complete:
                return Since(told, found.up_to, found.is_complete)
            number = found.up_to
            if not found.changes and (waiting is None or not self._changes.wait(number, until, waiting.is_over)):
                return Since([], number)


class _Hearing:
    """What somebody may hear of; for the while of one request, so that not much is looked up for each of many changes."""

    def __init__(self, access: Access, caller: Caller) -> None:
        self._access = access
        self._caller = caller
        self._known: dict[tuple[str | None, ...], bool] = {}

    def __call__(self, change: Change) -> bool:
        """Whether they may hear of a change."""
        about = (change.kind, change.key.get("collab_id"), change.key.get("participant_id"))
        if about not in self._known:
            self._known[about] = (
                self._access.may_read_job(self._caller, change.key)
                if change.kind == JOB
                else self._access.may_read(self._caller, Kind(change.kind), change.key)
            )
        return self._known[about]
