"""A dataset: the files of one folder that a tag names, and how to tell that one of them has changed."""

from __future__ import annotations

from dataclasses import dataclass

from synergos.tables.data_file import DataFile, unreadable
from synergos.tables.metadata import Metadata

Fingerprint = tuple[tuple[str, int, int], ...]
"""Name, size and modification time (ns) of every file that matters: another one means that something changed."""


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
        return tuple(_stamp(file) for file in self.files)


def _stamp(file: DataFile) -> tuple[str, int, int]:
    try:
        status = file.path.stat()
    except OSError as error:
        raise unreadable(file.name, error) from error
    return file.name, status.st_size, status.st_mtime_ns
