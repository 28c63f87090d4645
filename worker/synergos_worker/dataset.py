"""A dataset: the files of one folder that a tag names, and how to tell that one of them has changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from synergos.tables.data_file import DataFile, unreadable
from synergos.tables.metadata import Metadata


class Stamp(NamedTuple):
    """What one file looks like from outside. Its owner can set the time of modification, and the time of change nobody can.

    Attributes:
        name: its path below the data root.
        modified: nanoseconds since the epoch.
        changed: of content or attributes, as ``modified``.
    """

    name: str
    bytes: int
    device: int
    inode: int
    modified: int
    changed: int


Fingerprint = tuple[Stamp, ...]
"""Of every file that matters: another one means that something may have changed."""


@dataclass(frozen=True)
class Dataset:
    """The folder one tag names.

    Attributes:
        name: the tag as a path below the data root.
        metadata: what its ``metadata.json`` says; ``operations`` and ``disclosure`` unchecked.
        files: the files in it and below it that can matter, ordered by path.
    """

    name: str
    metadata: Metadata
    files: tuple[DataFile, ...]

    @property
    def datatype(self) -> str:
        """Which pipeline it is for."""
        return self.metadata.datatype

    def files_ending(self, suffix: str) -> tuple[DataFile, ...]:
        """Its files of one type, ordered by path."""
        return tuple(file for file in self.files if file.name.lower().endswith(suffix))

    def fingerprint(self) -> Fingerprint:
        """What its files look like from outside, now.

        Raises:
            UnusableData: a file is gone.
        """
        return tuple(map(stamp_of, self.files))


def stamp_of(file: DataFile) -> Stamp:
    """What a file looks like from outside, now.

    Raises:
        UnusableData: it is gone.
    """
    try:
        status = file.path.stat()
    except OSError as error:
        raise unreadable(file.name, error) from error
    return Stamp(file.name, status.st_size, status.st_dev, status.st_ino, status.st_mtime_ns, status.st_ctime_ns)
