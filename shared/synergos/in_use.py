"""Who uses a place: one program alone, or those of one cluster together; whoever else comes is told who does, and since when.

The lock is the operating system's (``flock``) and ends with the process, however that ends; children do not inherit it. It
is that of :mod:`filelock`, so that programs of earlier versions are kept out as well, and keep out.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import socket
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import structlog

from synergos.errors import Conflict

log = structlog.get_logger(__name__)

LOCK = ".in_use"
"""The file in a folder that has a user."""
PATIENCE = 1.0
"""Seconds; who is just taking it needs far less to have written who it is."""
_LOOK = 0.02
_WITHOUT_LOCKS = {errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS}
_LONGEST = 4096


class InUse:
    """A place that is used by this program until it is released, or the process ends."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor: int | None = descriptor

    def release(self) -> None:
        """Let others in; any thread may."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def me(who: str) -> str:
    """This program, for those who are kept out."""
    return f"{who} on {socket.gethostname()}, process {os.getpid()}"


def outputs_alone(folder: Path, who: str) -> InUse:
    """Take an outputs folder, with the rounds in it, for this program alone.

    Args:
        who: what the program is called.

    Raises:
        Conflict: another program has it; says which, and since when.
    """
    return alone(folder / LOCK, who, f"the outputs folder {folder}", _OUTPUTS_ADVICE)


def outputs_together(folder: Path, who: str, cluster: str, patience: float = PATIENCE) -> InUse:
    """The same for a cluster's programs, which share it.

    Args:
        cluster: what the cluster's programs have in common.
        patience: see :func:`together`.

    Raises:
        Conflict: a program that is none of the cluster's has it; says which, and since when.
    """
    return together(folder / LOCK, who, cluster, f"the outputs folder {folder}", _OUTPUTS_ADVICE, patience)


_OUTPUTS_ADVICE = (
    "a program has its outputs to itself. End that one first, or give this one an --outputs folder of its own"
)


def alone(lock: Path, who: str, what: str, advice: str) -> InUse:
    """Take what a lock file stands for.

    Args:
        what: it is, and what can be done when it is in use; for those who are kept out.

    Raises:
        Conflict: somebody has it.
    """
    descriptor = _opened(lock)
    try:
        if not _locked(descriptor, fcntl.LOCK_EX, what):
            raise _taken(descriptor, what, advice)
        _write(descriptor, who, None)
    except BaseException:
        os.close(descriptor)
        raise
    return InUse(descriptor)


def together(lock: Path, who: str, cluster: str, what: str, advice: str, patience: float = PATIENCE) -> InUse:
    """Take it with whoever else names the same cluster; the other arguments are those of :func:`alone`.

    Args:
        patience: seconds to wait for another who is just taking it, and may be of the same cluster.

    Raises:
        Conflict: somebody else has it.
    """
    descriptor = _opened(lock)
    deadline = time.monotonic() + patience
    try:
        while not _joined(descriptor, who, cluster, what):
            if time.monotonic() >= deadline:
                raise _taken(descriptor, what, advice)
            time.sleep(_LOOK)
    except BaseException:
        os.close(descriptor)
        raise
    return InUse(descriptor)


def _joined(descriptor: int, who: str, cluster: str, what: str) -> bool:
    """Whether it is had with the others now; who is the first says whose it is before others can look."""
    if _locked(descriptor, fcntl.LOCK_EX, what):
        _write(descriptor, who, cluster)
        # For a moment nothing is locked: whoever comes between is the first instead.
        return _locked(descriptor, fcntl.LOCK_SH, what)
    if not _locked(descriptor, fcntl.LOCK_SH, what):
        return False
    # Whoever shares it is of a cluster, though it may not have been able to write of which.
    if _read(descriptor).get("cluster") in (cluster, None):
        return True
    fcntl.flock(descriptor, fcntl.LOCK_UN)
    return False


def _opened(lock: Path) -> int:
    return os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)


def _locked(descriptor: int, kind: int, what: str) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in _WITHOUT_LOCKS:
            raise
        log.warning("no lock can be had here: see to it that no second program uses it", of=what, reason=error.strerror)
    return True


def _write(descriptor: int, who: str, cluster: str | None) -> None:
    since = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    content = json.dumps({"who": me(who), "since": since, "cluster": cluster}).encode()
    # On a full disk a program has to start, so that people can delete: who it is remains unsaid.
    with suppress(OSError):
        os.pwrite(descriptor, content, 0)
        os.ftruncate(descriptor, len(content))


def _read(descriptor: int) -> dict[str, object]:
    """Who has it, as far as it is there: it is written just after the lock was taken, and earlier versions write nothing."""
    try:
        found = json.loads(os.pread(descriptor, _LONGEST, 0))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _taken(descriptor: int, what: str, advice: str) -> Conflict:
    found = _read(descriptor)
    first = ", the first of a cluster's programs," if found.get("cluster") else ","
    who, since = found.get("who", "another program"), found.get("since", "just now")
    return Conflict(f"{what} is in use by {who}{first} since {since}: {advice}")
