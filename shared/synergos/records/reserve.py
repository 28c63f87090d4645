"""Room on a record store's disk that is kept for making room: deleting writes a little before it frees much."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

_BYTES = 4 * 2**20
"""Of SQLite's log for deleting some thousand records, several times over."""


class Reserve:
    """A file beside an SQLite database that takes room until it is needed.

    Args:
        database: the database's file; None where it is none, and nothing is kept.
    """

    def __init__(self, database: Path | None) -> None:
        self._path = None if database is None else database.with_name(f"{database.name}.reserve")

    def keep(self) -> None:
        """Take the room, unless it is taken; where there is none for it, nothing is."""
        if self._path is None or self._path.exists():
            return
        with suppress(OSError):
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            try:
                os.posix_fallocate(descriptor, 0, _BYTES)
            except OSError:
                self._path.unlink(missing_ok=True)
            finally:
                os.close(descriptor)

    def spend(self) -> bool:
        """Give the room back; whether there was any. Of several who ask, one had it."""
        if self._path is None:
            return False
        try:
            self._path.unlink()
        except OSError:
            return False
        return True
