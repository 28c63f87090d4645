"""What lies below a folder that running programs write to: what goes between a look at the folder and one at the file is nobody's."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path


def files_below(folder: Path) -> Iterator[tuple[Path, bytes]]:
    """Each file and what is in it, by its path; a database's journal, say, is there for a moment."""
    for path in sorted(_below(folder)):
        with suppress(FileNotFoundError, IsADirectoryError):
            yield path, path.read_bytes()


def stats_below(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """What the system says of all files and folders."""
    for path in sorted(_below(folder)):
        with suppress(FileNotFoundError):
            yield path, path.stat()


def _below(folder: Path) -> Iterator[Path]:
    # Unlike a pattern, a walk goes on where a folder is gone when it comes to it.
    for place, folders, files in os.walk(folder):
        yield from (Path(place, name) for name in (*folders, *files))
