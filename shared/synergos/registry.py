"""Implementations of one protocol by name: what a request may name, and what is meant by it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Generic, Protocol, TypeVar

from synergos.errors import UnknownName


class Named(Protocol):
    """Anything that requests and records know by a name."""

    @property
    def name(self) -> str:
        """The name, as it is written in a request."""


Entry = TypeVar("Entry", bound=Named)


class Registry(Generic[Entry]):
    """Entries by name, in the order in which they were added.

    Args:
        what: what a name that is not known is not: ``a model family``.
    """

    def __init__(self, what: str, *entries: Entry) -> None:
        self.what = what
        self._entries = {entry.name: entry for entry in entries}

    @property
    def names(self) -> tuple[str, ...]:
        """The names there are."""
        return tuple(self._entries)

    def get(self, name: object, field: str) -> Entry:
        """The entry of that name.

        Args:
            field: where the name stands in the request.

        Raises:
            UnknownName: there is none; names the near misses.
        """
        if not isinstance(name, str) or name not in self._entries:
            raise UnknownName(name, self._entries, field, self.what)
        return self._entries[name]

    @contextmanager
    def having(self, entry: Entry) -> Iterator[None]:
        """Inside it there is one entry more; for what is no part of the project itself."""
        assert entry.name not in self._entries, f"{entry.name} is there already"  # noqa: S101 - a programmer's mistake
        self._entries[entry.name] = entry
        try:
            yield
        finally:
            del self._entries[entry.name]
