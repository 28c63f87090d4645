"""Files of rounds, written by the system's own calls: of a small round, Python's file objects take longer than all it holds."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from pathlib import Path


def write(target: Path, pieces: Iterable[memoryview], *, durable: bool = False) -> None:
    """Write a file that is there with all its content, or may be overwritten.

    Args:
        durable: whether it has to outlive the machine's power.

    Raises:
        OSError: it could not be written.
    """
    descriptor = _new(target)
    try:
        for piece in pieces:
            _write_all(descriptor, piece)
        if durable:
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def append(target: Path, end: int, line: bytes) -> None:
    """Add a line to a file of ``end`` bytes, or more that are of no use; on return it outlives the machine's power.

    Raises:
        OSError: it could not be written, or not as a whole.
    """
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o666)
    try:
        # What a crash, or a disk that was full, left of an earlier one.
        if os.fstat(descriptor).st_size != end:
            os.ftruncate(descriptor, end)
        _write_all(descriptor, memoryview(line))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def link(source: Path, target: Path) -> None:
    """Have a file under a second name."""
    try:
        os.link(source, target)
    except FileExistsError:
        target.unlink()
        link(source, target)
    except OSError:
        # A file system that knows no second names.
        shutil.copyfile(source, target)


def remove(folder: Path) -> None:
    """Remove a folder with its files, as far as they are there and can be removed."""
    try:
        for path in folder.iterdir():
            path.unlink()
        folder.rmdir()
    except OSError:
        shutil.rmtree(folder, ignore_errors=True)


def _new(target: Path) -> int:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    try:
        return os.open(target, flags, 0o666)
    except FileExistsError:
        # Never into a file that is there: it may have another name, in a round that is committed.
        target.unlink()
        return os.open(target, flags, 0o666)


def _write_all(descriptor: int, piece: memoryview) -> None:
    while piece:
        piece = piece[os.write(descriptor, piece) :]
