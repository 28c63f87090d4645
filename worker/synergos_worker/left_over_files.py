"""Files nobody put into a dataset: what systems, editors and notebooks leave beside the files they were asked for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_NAMES = frozenset({"__macosx", "thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r", "$recycle.bin"})
_BEGINNINGS = (".", "~$", "~lock.")
_ENDINGS = ("~", ".swp", ".swo", ".swx", ".bak", ".tmp", ".crdownload", ".part")


def is_left_over(name: str) -> bool:
    """Whether a file or folder of that name was left over by a program, and is no part of the data.

    Hidden ones (``.ipynb_checkpoints``, ``._rows.csv``, ``.DS_Store``), locks and copies of office programs (``~$rows.csv``) and
    editors (``rows.csv~``, ``#rows.csv#``, ``rows.csv.swp``), what archives and desktops add (``__MACOSX``, ``Thumbs.db``), and
    halves of downloads.
    """
    lower = name.lower()
    return (
        lower in _NAMES
        or lower.startswith(_BEGINNINGS)
        or lower.endswith(_ENDINGS)
        or (lower.startswith("#") and lower.endswith("#"))
    )


def files_below(folder: Path) -> Iterator[Path]:
    """The files in a folder and below it that somebody put there.

    Raises:
        OSError: a folder cannot be read.
    """
    yield from (Path(entry.path) for entry in entries_below(folder))


def entries_below(folder: Path) -> Iterator[os.DirEntry[str]]:
    """The same as the operating system lists them: whether one is a link is known without another look.

    Raises:
        OSError: a folder cannot be read.
    """
    waiting = [os.fspath(folder)]
    while waiting:
        with os.scandir(waiting.pop()) as found:
            entries = [entry for entry in found if not is_left_over(entry.name)]
        for entry in entries:
            if not _is_folder(entry):
                yield entry
            elif not entry.is_symlink():
                # Links to folders are not followed: they could go in circles.
                waiting.append(entry.path)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    # A link that goes in circles is no folder.
    with suppress(OSError):
        return entry.is_dir()
    return False
