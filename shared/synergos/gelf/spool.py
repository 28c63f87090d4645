"""Messages on disk until they have arrived: the oldest go first, and are given up first when there is no room.

A spool is a folder of files, each of which holds messages that end with a null byte. Beside them a note says up to where they
have arrived. It belongs to one process at a time; what a process that is gone has left, another takes over.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

_POSITION = "arrived"
_LOCK = "in_use"
_END = b"\0"
_SEGMENTS = 16
"""Of so many files a full spool has; one of them is given up at a time."""


@dataclass(frozen=True, order=True)
class Position:
    """Where in a spool: which file, and how many bytes of it."""

    segment: int
    offset: int = 0


class Spool:
    """The messages of one process: one thread may add to them while another reads them.

    Args:
        folder: of all spools of this kind; those that nobody uses any more are taken over.
        capacity: bytes that may wait.

    Attributes:
        dropped: how many messages were given up so far.

    Raises:
        OSError: the folder cannot be used.
    """

    def __init__(self, folder: Path, capacity: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.dropped = 0
        # Held by whichever thread uses the files, for as long as a disk takes.
        self._guard = threading.RLock()
        self._is_closed = False
        # Under another name until it is locked: nobody else may think that it was left.
        making = folder / f".{uuid4().hex}"
        making.mkdir()
        self._lock = _locked(making)
        self._folder = making.rename(folder / uuid4().hex)
        self._size = max(1, capacity // _SEGMENTS)
        self._arrived = Position(0)
        self._newest = Position(0)
        for left in sorted(folder.iterdir()):
            self._take_over(left)

    @property
    def arrived(self) -> Position:
        """Up to where messages have arrived."""
        return self._arrived

    @property
    def end(self) -> Position:
        """Behind the newest message."""
        return self._newest

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits."""
        return self._arrived >= self._newest

    @property
    def capacity(self) -> int:
        """Bytes that may wait."""
        return self._size * _SEGMENTS

    @property
    def waiting(self) -> int:
        """Bytes of the capacity that are taken by what has not arrived."""
        newest, arrived = self._newest, self._arrived
        return max(0, (newest.segment - arrived.segment) * self._size + newest.offset - arrived.offset)

    def append(self, messages: Sequence[bytes]) -> None:
        """Add messages; those that cannot be written are given up."""
        with self._guard:
            if self._is_closed:
                self.dropped += len(messages)
                return
            for group in _grouped(messages, self._size - self._newest.offset, self._size):
                if self._newest.offset + len(group) > self._size and self._newest.offset:
                    self._newest = Position(self._newest.segment + 1)
                try:
                    self._write(group)
                except OSError:
                    self.dropped += group.count(_END)
            while self._newest.segment - self._arrived.segment >= _SEGMENTS:
                self._give_up_oldest()

    def read(self, start: Position, most: int) -> tuple[bytes, Position]:
        """Whole messages from a position on, and where they begin: later than asked for, if those were given up."""
        with self._guard:
            if self._is_closed:
                return b"", start
            start = max(start, self._arrived)
            while start < self._newest:
                found = self._read(start, most)
                if found:
                    return found, start
                start = Position(start.segment + 1)
            return b"", start

    def note_arrived(self, end: Position) -> None:
        """Forget messages up to a position."""
        with self._guard:
            if self._is_closed:
                return
            before, self._arrived = self._arrived, max(self._arrived, min(end, self._newest))
            for segment in range(before.segment, self._arrived.segment):
                with suppress(OSError):
                    self._path(segment).unlink(missing_ok=True)

    def keep_position(self) -> None:
        """Write down up to where messages have arrived, for whoever takes this spool over."""
        with self._guard:
            if self._is_closed:
                return
            note = self._folder / _POSITION
            try:
                note.with_suffix(".new").write_text(f"{self._arrived.segment} {self._arrived.offset}", encoding="utf-8")
                note.with_suffix(".new").replace(note)
            except OSError:
                return  # what has arrived arrives twice

    def close(self) -> None:
        """Let go of the folder, which is removed if nothing is left in it."""
        with self._guard:
            if self._is_closed:
                return
            self.keep_position()
            self._is_closed = True
            if self.is_empty:
                shutil.rmtree(self._folder, ignore_errors=True)
            os.close(self._lock)

    def _path(self, segment: int) -> Path:
        return self._folder / f"{segment:012d}"

    def _write(self, group: bytes) -> None:
        with self._path(self._newest.segment).open("ab") as file:
            # As far as it was whole: what is behind that was written before the disk was full.
            file.truncate(self._newest.offset)
            file.write(group)
        self._newest = replace(self._newest, offset=self._newest.offset + len(group))

    def _read(self, start: Position, most: int) -> bytes:
        try:
            with self._path(start.segment).open("rb") as file:
                file.seek(start.offset)
                found = file.read(most)
                if _END not in found:
                    found += file.read()
        except OSError:
            return b""
        return found[: found.rfind(_END) + 1]

    def _give_up_oldest(self) -> None:
        end = Position(self._arrived.segment + 1)
        lost, _ = self.read(self._arrived, self._size * 2) if self._path(self._arrived.segment).exists() else (b"", end)
        self.dropped += lost.count(_END)
        self.note_arrived(end)

    def _take_over(self, left: Path) -> None:
        """Add what a process that is gone has left."""
        if left == self._folder or left.name.startswith(".") or not left.is_dir():
            return
        try:
            lock = _locked(left)
        except OSError:
            return  # it is not gone
        try:
            for messages in _left_in(left):
                self.append(messages)
            shutil.rmtree(left, ignore_errors=True)
        finally:
            os.close(lock)


def _locked(folder: Path) -> int:
    """A lock on a spool, which ends with its process.

    Raises:
        OSError: another process has it.
    """
    descriptor = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _left_in(folder: Path) -> Iterator[list[bytes]]:
    """The messages of a spool that have not arrived, a file at a time."""
    try:
        segment, offset = map(int, (folder / _POSITION).read_text(encoding="utf-8").split())
    except (OSError, ValueError):
        segment, offset = 0, 0
    for path in sorted(path for path in folder.iterdir() if path.name.isdecimal()):
        if (number := int(path.name)) < segment:
            continue
        try:
            whole = path.read_bytes()[offset if number == segment else 0 :]
        except OSError:
            continue
        # The last one may have been cut off with its process.
        yield [part + _END for part in whole.split(_END)[:-1]]


def _grouped(messages: Sequence[bytes], first: int, most: int) -> Iterator[bytes]:
    """Messages put together, as many as a file still holds, and then as many as one may hold."""
    group: list[bytes] = []
    size, room = 0, first
    for each in messages:
        if size + len(each) > room:
            if group:
                yield b"".join(group)
            group, size, room = [], 0, most
        group.append(each)
        size += len(each)
    if group:
        yield b"".join(group)
