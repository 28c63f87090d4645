"""Files opened below a folder and nowhere else: from folder to folder without following links, so that no name and no link leads out."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePath
from typing import BinaryIO

from synergos.errors import RecordNotFound

OTHER = "application/octet-stream"
_MEDIA_TYPES = {".json": "application/json", ".png": "image/png"}


@dataclass(frozen=True)
class OpenFile:
    """A file to be read; whoever gets it closes it.

    Attributes:
        bytes: its size.
        modified: when it was written; aware, UTC.
    """

    name: str
    file: BinaryIO
    bytes: int
    modified: datetime
    etag: str

    @property
    def media_type(self) -> str:
        """What the file is, by its name."""
        return media_type(self.name)


def media_type(name: str) -> str:
    """What a file is, by its name."""
    return _MEDIA_TYPES.get(PurePath(name).suffix, OTHER)


@contextmanager
def folder_below(root: Path, names: Sequence[str]) -> Iterator[int]:
    """A descriptor of a folder below ``root``; no link is followed on the way.

    Raises:
        FileNotFoundError: there is no such folder, or a link is in its place.
    """
    descriptor = _descend(str(root), os.O_RDONLY | os.O_DIRECTORY, None)
    try:
        for name in names:
            inner = _descend(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, descriptor)
            os.close(descriptor)
            descriptor = inner
        yield descriptor
    finally:
        os.close(descriptor)


def _descend(name: str, flags: int, folder: int | None) -> int:
    try:
        return os.open(name, flags, dir_fd=folder)
    except OSError as error:
        raise FileNotFoundError(name) from error


def names_in(folder: int) -> Iterator[str]:
    """The plain files of a folder that are no hidden ones."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if not entry.name.startswith(".") and entry.is_file(follow_symlinks=False):
                yield entry.name


def open_in(folder: int, name: str) -> OpenFile:
    """A plain file of a folder.

    Raises:
        RecordNotFound: there is none of that name.
    """
    # Also what cannot be a name: "..", one with a slash, or with NUL.
    if not name or name.startswith(".") or any(letter in name for letter in "/\0"):
        raise _no_file(name)
    try:
        # Opening must not wait, should it be a pipe.
        descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    except (OSError, ValueError) as error:
        raise _no_file(name) from error
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode):
        os.close(descriptor)
        raise _no_file(name)
    return OpenFile(
        name,
        os.fdopen(descriptor, "rb"),
        found.st_size,
        datetime.fromtimestamp(found.st_mtime, UTC),
        f"{found.st_dev:x}-{found.st_ino:x}-{found.st_size:x}-{found.st_mtime_ns:x}",
    )


def _no_file(name: str) -> RecordNotFound:
    return RecordNotFound(f"there is no file {name[:80]!r}; the list of artifacts has those there are", "name")
