"""Files of rounds that nobody needs any more, to be written over by those of the rounds to come."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

_SPARE = "spare_"


class SpareFiles:
    """One file of each name: to write over what is there takes a fraction of what a new file does, and of removing the old one.

    Args:
        folder: where they are, beside what else is there.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._names = {path.name.removeprefix(_SPARE) for path in folder.glob(f"{_SPARE}*")}

    def take(self, path: Path) -> None:
        """Take over a file, unless it has another name, by which somebody needs it."""
        if path.stat().st_nlink == 1:
            path.replace(self._path(path.name))
            self._names.add(path.name)

    def write(self, path: Path, pieces: Iterable[memoryview], *, durable: bool = False) -> None:
        """Write a file, over the spare one of its name if there is one; as :func:`~.round_writing.write` does.

        Raises:
            OSError: it could not be written.
        """
        with self.create(path) as file:
            file.writelines(pieces)
            file.truncate()
            if durable:
                file.flush()
                os.fsync(file.fileno())

    def create(self, path: Path, name: str | None = None) -> BinaryIO:
        """A file to be written from its beginning; whoever has written it cuts off what is left with ``truncate``.

        One that is there loses this name, and stays what it is under any other.

        Args:
            name: that the spare file was taken over by; that of ``path`` by default.
        """
        name = name or path.name
        path.unlink(missing_ok=True)
        if name in self._names:
            self._names.discard(name)
            # Another exchange's answer may have been quicker.
            with suppress(FileNotFoundError):
                self._path(name).rename(path)
        return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o666), "wb")

    def _path(self, name: str) -> Path:
        return self._folder / f"{_SPARE}{name}"
