"""Computations that wait for the owner's decision: a short list for people, which the worker writes and commands read."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import structlog

from synergos.approval.computation import LARGEST
from synergos.errors import Conflict
from synergos.identity.small_file import now, stored_in, write
from synergos.identity.trust import is_fingerprint

log = structlog.get_logger(__name__)

WAITING = "awaiting_approval.json"
"""Written by the worker alone."""
MOST_WAITING = 32
"""That are remembered; of more, those that were not asked for for longest are forgotten, until they are asked for again."""
_BETWEEN = 1.0
_BETWEEN_NOTES = 30.0


@dataclass(frozen=True)
class Waiting:
    """A computation that the owner has not decided of.

    Attributes:
        title: what it is of, and for.
        words: all of it, line by line.
        peer: the fingerprint of who asks; empty where it did not show that.
        first: when it was asked for first.
        last: when it was asked for last.
    """

    digest: str
    title: str
    words: Sequence[str]
    peer: str
    first: str = ""
    last: str = ""


class WaitingList:
    """Those of a running worker; any thread may note one.

    Args:
        path: of the file that commands read.
        clock: monotonic seconds, for how often it is written.
    """

    def __init__(self, path: Path, clock: Callable[[], float]) -> None:
        self._path = path
        self._clock = clock
        # Guards all that follows; the file is written inside it.
        self._lock = threading.Lock()
        self._known = {each.digest: each for each in waiting_in(path)}
        self._noted: dict[str, float] = {}
        self._is_unsaved = False
        self._saved_at = clock() - _BETWEEN

    def note(self, waits: Waiting) -> bool:
        """Take note of one; whether it is new, and is to be told of."""
        with self._lock:
            known, at = self._known.pop(waits.digest, None), now()
            # In order of when they were asked for last.
            self._known[waits.digest] = replace(waits, first=at if known is None else known.first, last=at)
            while len(self._known) > MOST_WAITING:
                oldest = next(iter(self._known))
                del self._known[oldest]
                self._noted.pop(oldest, None)
            if known is None or self._clock() - self._noted.get(waits.digest, -_BETWEEN_NOTES) >= _BETWEEN_NOTES:
                self._noted[waits.digest] = self._clock()
                self._is_unsaved = True
                self._save_if_due()
            return known is None

    def forget(self, digest: str) -> None:
        """It waits no more."""
        with self._lock:
            if self._known.pop(digest, None) is not None:
                self._is_unsaved = True
                self._save_if_due()

    def save(self) -> None:
        """Write down what was not written as it came too soon after something else."""
        with self._lock:
            self._save_if_due()

    def _save_if_due(self) -> None:
        if not self._is_unsaved or self._clock() - self._saved_at < _BETWEEN:
            return
        self._saved_at, self._is_unsaved = self._clock(), False
        try:
            write(self._path, {"waiting": [asdict(each) for each in self._known.values()]})
        except (Conflict, OSError) as error:
            # For people alone: whoever waits is answered all the same.
            self._is_unsaved = True
            log.error("what waits for approval could not be written down", file=str(self._path), reason=str(error))


def waiting_in(path: Path) -> list[Waiting]:
    """What waits according to a file, newest last; nothing of one that is damaged, which is only for people to read."""
    try:
        listed = [Waiting(**each) for each in stored_in(path).get("waiting", [])]
        return [each for each in listed if is_fingerprint(str(each.digest)) and len(each.words) <= LARGEST]
    except (Conflict, TypeError, AttributeError):
        return []
