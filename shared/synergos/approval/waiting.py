"""Computations that wait for the owner's decision: a short list for people, which the worker writes and commands read."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from synergos.approval.computation import LARGEST
from synergos.errors import Conflict
from synergos.identity.short_list import ShortList
from synergos.identity.small_file import now, stored_in
from synergos.identity.trust import is_fingerprint

WAITING = "awaiting_approval.json"
"""Written by the worker alone."""
_NAME = "waiting"


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
        # Guards the list; its file is written inside it.
        self._lock = threading.Lock()
        self._waiting = ShortList(path, _NAME, {each.digest: each for each in waiting_in(path)}, clock)

    def note(self, waits: Waiting) -> bool:
        """Take note of one; whether it is new, and is to be told of."""
        with self._lock:
            known, at = self._waiting.get(waits.digest), now()
            self._waiting.note(waits.digest, replace(waits, first=at if known is None else known.first, last=at))
            return known is None

    def forget(self, digest: str) -> None:
        """It waits no more."""
        with self._lock:
            self._waiting.forget(digest)

    def save(self) -> None:
        """Write down what was not written as it came too soon after something else."""
        with self._lock:
            self._waiting.save()


def waiting_in(path: Path) -> list[Waiting]:
    """What waits according to a file, newest last; nothing of one that is damaged, which is only for people to read."""
    try:
        listed = [Waiting(**each) for each in stored_in(path).get(_NAME, [])]
        return [each for each in listed if is_fingerprint(str(each.digest)) and len(each.words) <= LARGEST]
    except (Conflict, TypeError, AttributeError):
        return []
