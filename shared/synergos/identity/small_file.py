"""Small files of JSON that only their owner may read."""

from __future__ import annotations

import fcntl
import json
import os
import re
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from synergos.errors import Conflict

_LARGEST_FILE = 2**24
_DRAFT = 8
_DRAFTS = re.compile(rf"\..+\.json-[0-9a-f]{{{2 * _DRAFT}}}")
_CENTURY = 3.2e9
_HANDS_OFF = 3600.0
"""Seconds; nobody writes a small file for as long."""


def stored_in(path: Path) -> dict[str, Any]:
    """The content of a file; nothing where there is no file.

    Raises:
        Conflict: it is damaged, or cannot be read.
    """
    try:
        if path.stat().st_size > _LARGEST_FILE:
            raise Conflict(f"{path} is damaged: it has more than {_LARGEST_FILE} bytes")
        stored = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise Conflict(f"{path} is damaged, or cannot be read") from error
    if not isinstance(stored, dict):
        raise Conflict(f"{path} is damaged: expected a JSON object")
    return stored


def write(path: Path, content: Mapping[str, object], *, is_lasting: bool = True) -> None:
    """Put content into a file, whole or not at all.

    Args:
        is_lasting: whether it is on the disk, and stays there when power fails, before this returns.

    Raises:
        OSError: it cannot be written; the file is as it was.
        Conflict: it is more than is read again.
    """
    text = json.dumps(content, indent=1) + "\n"
    if len(text) > _LARGEST_FILE:
        raise Conflict(f"{path} stays as it is: it would have more than {_LARGEST_FILE} bytes")
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = draft_of(path)
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            if is_lasting:
                os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        with suppress(OSError):
            draft.unlink()
        raise
    if is_lasting:
        _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Have it on the disk which files a folder has."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        # Some file systems cannot do it to folders; the file itself is there.
        with suppress(OSError):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def draft_of(path: Path) -> Path:
    """Where a file is written before it is put in its place; :func:`remove_drafts` knows it by its name."""
    return path.with_name(f".{path.name}-{secrets.token_hex(_DRAFT)}")


def remove_drafts(path: Path) -> None:
    """Remove what processes that were killed have left of a file's folder; whatever is younger may be in somebody's hands."""
    oldest = time.time() - _HANDS_OFF
    for draft in path.parent.glob(".*-*"):
        # Somebody else may be at it, and be quicker.
        with suppress(OSError):
            if _DRAFTS.fullmatch(draft.name) and draft.lstat().st_mtime < oldest:
                draft.unlink()


@contextmanager
def alone(folder: Path, lock: str) -> Iterator[None]:
    """Of two commands with one lock, a file in a folder, one waits for the other, so that neither's decision is lost."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(folder / lock, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def now(timespec: str = "seconds") -> str:
    """The time, as such files have it: as exactly as said."""
    return datetime.now(UTC).isoformat(timespec=timespec)


def before_now(seconds: float) -> str:
    """The time so many seconds ago, likewise; of more than a century that."""
    return (datetime.now(UTC) - timedelta(seconds=min(seconds, _CENTURY))).isoformat(timespec="microseconds")
