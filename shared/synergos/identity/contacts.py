"""Who has come to a worker, and waits for its owner to decide: a short list for people, which the worker writes and commands read."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import structlog

from synergos.errors import Conflict
from synergos.identity.small_file import now, stored_in, write
from synergos.identity.trust import is_fingerprint

log = structlog.get_logger(__name__)

FIRST_CONTACTS = "first_contacts.json"
MOST_CONTACTS = 32
"""First contacts that are remembered; of more, those that were not seen for longest are forgotten."""
_LONGEST_NAME = 200
_BETWEEN_NOTES = 30.0
_BETWEEN = 1.0
"""Seconds between two that are told of and written down: who floods a worker with identities of his own costs it no more."""


@dataclass(frozen=True)
class Contact:
    """Somebody whom the owner has not decided of.

    Attributes:
        name: what it calls itself; nothing proves that.
        address: where it came from last.
        first: when it came first.
        last: when it came last.
    """

    fingerprint: str
    name: str
    address: str
    first: str
    last: str


class FirstContacts:
    """Those who wait for the owner's decision: a short list, and never a request that is held; any thread may note one.

    Args:
        path: of the file that commands read.
        clock: seconds, for how often the file is written and somebody is told of.
    """

    def __init__(self, path: Path, clock: Callable[[], float]) -> None:
        self._path = path
        self._clock = clock
        # Guards all that follows; the file is written inside it.
        self._lock = threading.Lock()
        self._known = {contact.fingerprint: contact for contact in contacts_in(path)}
        self._told = set(self._known)
        self._untold = 0
        self._is_unsaved = False
        self._noted: dict[str, float] = {}
        self._told_at = self._saved_at = clock() - _BETWEEN

    def note(self, fingerprint: str, name: str, address: str) -> int | None:
        """Take note of somebody.

        Returns:
            How many more came that were not told of, where this one is to be told of; None where it is not, as it was before or
            somebody was just now.
        """
        with self._lock:
            known = self._known.pop(fingerprint, None)
            at = now()
            first = at if known is None else known.first
            self._known[fingerprint] = Contact(fingerprint, name[:_LONGEST_NAME], address, first, at)
            # In order of when they came last.
            while len(self._known) > MOST_CONTACTS:
                oldest = next(iter(self._known))
                del self._known[oldest]
                self._noted.pop(oldest, None)
                self._told.discard(oldest)
            if known is None or self._clock() - self._noted.get(fingerprint, -_BETWEEN_NOTES) >= _BETWEEN_NOTES:
                self._noted[fingerprint] = self._clock()
                self._is_unsaved = True
                self._save_if_due()
            return self._others(fingerprint, known is None)

    def forget(self, fingerprint: str) -> None:
        """It waits no more."""
        with self._lock:
            if self._known.pop(fingerprint, None) is not None:
                self._is_unsaved = True
                self._save_if_due()

    def save(self) -> None:
        """Write down what was not written as it came too soon after something else."""
        with self._lock:
            self._save_if_due()

    def _others(self, fingerprint: str, is_new: bool) -> int | None:
        if fingerprint in self._told:
            return None
        if self._clock() - self._told_at < _BETWEEN:
            self._untold += is_new
            return None
        # One that comes again may have been counted before.
        others, self._untold, self._told_at = self._untold - (not is_new and self._untold > 0), 0, self._clock()
        self._told.add(fingerprint)
        return others

    def _save_if_due(self) -> None:
        if not self._is_unsaved or self._clock() - self._saved_at < _BETWEEN:
            return
        self._saved_at, self._is_unsaved = self._clock(), False
        try:
            write(self._path, {"contacts": [asdict(contact) for contact in self._known.values()]})
        except (Conflict, OSError) as error:
            # For people alone: whoever waits is answered all the same.
            self._is_unsaved = True
            log.error("first contacts could not be written down", file=str(self._path), reason=str(error))


def contacts_in(path: Path) -> list[Contact]:
    """The first contacts in a file, newest last; none of one that is damaged, which is only for people to read."""
    try:
        listed = stored_in(path).get("contacts", [])
        return [Contact(**contact) for contact in listed if is_fingerprint(str(contact.get("fingerprint")))]
    except (Conflict, TypeError, AttributeError):
        return []
