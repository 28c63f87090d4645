"""Removing files of an outputs folder: nothing outside the folder that is named, whatever lies in it, and nothing newer than wanted."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from pathlib import Path

_FOLDER = os.O_RDONLY | os.O_DIRECTORY


def remove_files(root: Path, names: Sequence[str], age: float = 0.0) -> int:
    """Remove a folder with everything in it, as far as that is old enough; how many files that were.

    From folder to folder no link is followed, neither on the way nor inside: a link goes, and what it leads to stays. What
    was written meanwhile under the same name stays, with the folders it is in.

    Args:
        root: an outputs folder.
        names: of the folder to remove and those that it is in, outermost first, below ``root``; at least one.
        age: seconds since when files have to be as they are.

    Raises:
        ValueError: a name is none of a folder below another one.
        OSError: a file cannot be removed; others may have been.
    """
    if not names or any(name in {"", ".", ".."} or "/" in name or "\0" in name for name in names):
        raise ValueError("expected plain names of folders")
    until = time.time() - age
    with ExitStack() as stack:
        try:
            outer = os.open(root, _FOLDER)
            stack.callback(os.close, outer)
            for name in names[:-1]:
                outer = os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=outer)
                stack.callback(os.close, outer)
        except (FileNotFoundError, NotADirectoryError):
            # It was never there, or is gone already; or a link is in the place of a folder, and that is none of ours.
            return 0
        return _remove(outer, names[-1], until)


def _remove(outer: int, name: str, until: float) -> int:
    """Remove what is called ``name`` in the folder that ``outer`` describes, as far as it is from before ``until``."""
    try:
        found = os.stat(name, dir_fd=outer, follow_symlinks=False)
    except FileNotFoundError:
        return 0
    if stat.S_ISDIR(found.st_mode):
        return _remove_folder(outer, name, until)
    if found.st_mtime > until:
        return 0
    with suppress(FileNotFoundError):
        os.unlink(name, dir_fd=outer)
    return 1


def _remove_folder(outer: int, name: str, until: float) -> int:
    folder = os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=outer)
    try:
        removed = sum(_remove(folder, inner, until) for inner in _names(folder))
        is_empty = not _names(folder)
    finally:
        os.close(folder)
    if is_empty:
        # Somebody may have begun to write into it just now, or have removed it as well.
        with suppress(OSError):
            os.rmdir(name, dir_fd=outer)
    return removed


def _names(folder: int) -> list[str]:
    with os.scandir(folder) as entries:
        return [entry.name for entry in entries]
