"""Files nobody put into a dataset: what systems, editors and notebooks leave beside the files they were asked for."""

from __future__ import annotations

import os
from collections.abc import Iterator
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
    # Links to folders are not followed: they could go in circles.
    for place, folders, names in os.walk(folder, onerror=_stop):
        folders[:] = [name for name in folders if not is_left_over(name)]
        yield from (Path(place, name) for name in names if not is_left_over(name))


def _stop(error: OSError) -> None:
    raise error
