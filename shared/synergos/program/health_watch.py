"""What keeps a program from its work: looked at every few seconds by a thread of its own, so that ``/health`` costs no look.

A look may hang, as the file system or the database does that it is at; that is found too, by whoever asks.
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import structlog

from synergos.program.loop import Loop

log = structlog.get_logger(__name__)

Check: TypeAlias = Callable[[], str | None]
"""What is wrong, in words; None where nothing is."""

LITTLE_ROOM = 2**20
"""Bytes; a disk with less is full for all that a program has to write."""
_SECONDS = 2.0
_PATIENCE = 10.0
_BLOCK = 4096
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_WITHOUT_NAMELESS = {errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL, errno.ENOENT}


class HealthWatch:
    """Makes checks, one after the other, again and again; what the last ones found may be asked by any thread.

    Args:
        checks: by what they look at.
        seconds: between two turns.
        patience: seconds after which a check that has not ended is a problem itself.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        checks: Mapping[str, Check],
        seconds: float = _SECONDS,
        patience: float = _PATIENCE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._checks = dict(checks)
        self._seconds = seconds
        self._patience = patience
        self._clock = clock
        # Each is replaced as a whole by the watch's thread, so nobody needs a lock to read it.
        self._found: Mapping[str, str] = {}
        self._in_hand: tuple[str, float] | None = None
        self._loop = Loop("health", self._turn, pause=seconds)

    def start(self) -> None:
        """Begin."""
        self._loop.start()

    def close(self) -> None:
        """End; a check that hangs is not waited for."""
        self._loop.close(1.0)

    @property
    def checks(self) -> Mapping[str, Check]:
        """All that is looked at."""
        return self._checks

    def problems(self) -> Mapping[str, str]:
        """What is wrong, by what it is wrong with."""
        in_hand = self._in_hand
        if in_hand is not None and self._clock() - in_hand[1] > self._patience:
            return {**self._found, in_hand[0]: f"has not answered for {self._clock() - in_hand[1]:.0f} s"}
        return self._found

    def look(self) -> None:
        """Make all checks once."""
        for name, check in self._checks.items():
            self._in_hand = name, self._clock()
            problem = _outcome_of(check)
            self._in_hand = None
            self._note(name, problem)

    def _turn(self) -> float:
        self.look()
        return self._seconds

    def _note(self, name: str, problem: str | None) -> None:
        before = self._found.get(name)
        if problem == before:
            return
        self._found = {
            **{known: why for known, why in self._found.items() if known != name},
            **({} if problem is None else {name: problem}),
        }
        if problem is None:
            log.info("well again", what=name)
        else:
            log.error("unwell", what=name, reason=problem)


@dataclass(frozen=True)
class Space:
    """Bytes of the disk that a folder is on.

    Attributes:
        free: for whoever is no administrator.
    """

    free: int
    size: int


class FolderCheck:
    """Whether files can be written to a folder.

    Attributes:
        space: on its disk, when that was last looked at; None before, and where nobody can tell.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.space: Space | None = None

    def __call__(self) -> str | None:
        """What is wrong, in words; None where nothing is."""
        try:
            found = os.statvfs(self._folder)
            self.space = Space(found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize)
            if self.space.free < LITTLE_ROOM:
                return "its disk is full"
            _try_to_write(self._folder)
        except OSError as error:
            if error.errno in _FULL:
                return "its disk is full"
            return f"cannot be written to: {error.strerror or type(error).__name__}"
        return None


def _outcome_of(check: Check) -> str | None:
    try:
        return check()
    except Exception as error:
        # Whatever it is that fails: there is something wrong, and what it says may quote data.
        return f"cannot be looked at: {type(error).__name__}"


def _try_to_write(folder: Path) -> None:
    try:
        descriptor = os.open(folder, os.O_WRONLY | os.O_TMPFILE | os.O_CLOEXEC, 0o600)
    except OSError as error:
        if error.errno not in _WITHOUT_NAMELESS:
            raise
        descriptor = _open_named(folder / f".health.{os.getpid()}")
    try:
        os.posix_fallocate(descriptor, 0, _BLOCK)
    finally:
        os.close(descriptor)


def _open_named(path: Path) -> int:
    """A file that is removed as soon as it is open, where the file system knows none without a name."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    path.unlink(missing_ok=True)
    return descriptor
