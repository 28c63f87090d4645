"""Who has come to a worker, and waits for its owner to decide: a short list for people, which the worker writes and commands read."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from synergos.errors import Conflict
from synergos.identity.short_list import BETWEEN, ShortList
from synergos.identity.small_file import now, stored_in
from synergos.identity.trust import is_fingerprint

FIRST_CONTACTS = "first_contacts.json"
_NAME = "contacts"
_LONGEST_NAME = 200


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
        self._clock = clock
        # Guards all that follows; the file is written inside it.
        self._lock = threading.Lock()
        known = {contact.fingerprint: contact for contact in contacts_in(path)}
        self._contacts = ShortList(path, _NAME, known, clock)
        self._told = set(known)
        self._untold = 0
        self._told_at = clock() - BETWEEN

    def note(self, fingerprint: str, name: str, address: str) -> int | None:
        """Take note of somebody.

        Returns:
            How many more came that were not told of, where this one is to be told of; None where it is not, as it was before or
            somebody was just now.
        """
        with self._lock:
            known, at = self._contacts.get(fingerprint), now()
            first = at if known is None else known.first
            contact = Contact(fingerprint, name[:_LONGEST_NAME], address, first, at)
            self._told.difference_update(self._contacts.note(fingerprint, contact))
            return self._others(fingerprint, known is None)

    def forget(self, fingerprint: str) -> None:
        """It waits no more."""
        with self._lock:
            self._contacts.forget(fingerprint)

    def save(self) -> None:
        """Write down what was not written as it came too soon after something else."""
        with self._lock:
            self._contacts.save()

    def _others(self, fingerprint: str, is_new: bool) -> int | None:
        if fingerprint in self._told:
            return None
        if self._clock() - self._told_at < BETWEEN:
            self._untold += is_new
            return None
        # One that comes again may have been counted before.
        others, self._untold, self._told_at = self._untold - (not is_new and self._untold > 0), 0, self._clock()
        self._told.add(fingerprint)
        return others


def contacts_in(path: Path) -> list[Contact]:
    """The first contacts in a file, newest last; none of one that is damaged, which is only for people to read."""
    try:
        listed = stored_in(path).get(_NAME, [])
        return [Contact(**contact) for contact in listed if is_fingerprint(str(contact.get("fingerprint")))]
    except (Conflict, TypeError, AttributeError):
        return []
