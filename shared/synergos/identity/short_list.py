"""A short list of what waits for an owner's decision: the program that runs writes it now and then, and commands read it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

import structlog

from synergos.errors import Conflict
from synergos.identity.small_file import write

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

log = structlog.get_logger(__name__)

MOST = 32
"""That are remembered; of more, those that did not come for longest are forgotten, until they come again."""
BETWEEN = 1.0
"""Seconds between two times that it is written: who floods a program with what is new costs it no more."""
_BETWEEN_NOTES = 30.0
"""Seconds between two times that one is written because it came again."""

Entry = TypeVar("Entry", bound="DataclassInstance")


class ShortList(Generic[Entry]):
    """Entries by fingerprint or digest, in order of when they came last. Whoever has it guards it between threads.

    Args:
        path: of the file.
        name: under which the file has them.
        known: what stands there.
        clock: seconds.
    """

    def __init__(self, path: Path, name: str, known: Mapping[str, Entry], clock: Callable[[], float]) -> None:
        self._path = path
        self._name = name
        self._clock = clock
        self._known = dict(known)
        self._noted: dict[str, float] = {}
        self._is_unsaved = False
        self._saved_at = clock() - BETWEEN

    def get(self, identifier: str) -> Entry | None:
        """As it was noted last; None where it was not."""
        return self._known.get(identifier)

    def note(self, identifier: str, entry: Entry) -> list[str]:
        """Take note of one that has come; those that are forgotten for it."""
        is_new = self._known.pop(identifier, None) is None
        self._known[identifier] = entry
        forgotten = list(self._known)[: max(0, len(self._known) - MOST)]
        for each in forgotten:
            del self._known[each]
            self._noted.pop(each, None)
        if is_new or self._clock() - self._noted.get(identifier, -_BETWEEN_NOTES) >= _BETWEEN_NOTES:
            self._noted[identifier] = self._clock()
            self._is_unsaved = True
            self.save()
        return forgotten

    def forget(self, identifier: str) -> None:
        """It waits no more."""
        if self._known.pop(identifier, None) is not None:
            self._is_unsaved = True
            self.save()

    def save(self) -> None:
        """Write down what is not written yet, unless something was just now."""
        if not self._is_unsaved or self._clock() - self._saved_at < BETWEEN:
            return
        self._saved_at, self._is_unsaved = self._clock(), False
        try:
            write(self._path, {self._name: [asdict(each) for each in self._known.values()]})
        except (Conflict, OSError) as error:
            # For people alone: whoever waits is answered all the same.
            self._is_unsaved = True
            log.error("what waits for the owner could not be written down", file=str(self._path), reason=str(error))
