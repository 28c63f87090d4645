"""Which permission file holds for a folder: its own, or the next one above; read as what may be anybody's."""

from __future__ import annotations

import errno
import os
import stat
import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

from synergos.errors import InvalidRequest
from synergos.permission.rules import Rules
from synergos.permission.use import FILE_NAME
from synergos.permission.yaml_text import LARGEST

_MOST_KEPT = 1000
_Looks = tuple[int, ...]
"""What a file is like from outside."""


@dataclass(frozen=True, eq=False)
class Held:
    """The file that holds for a folder.

    Attributes:
        folder: where it lies, as a path below the data root; empty for the root itself.
        rules: what it says; None where it cannot be read, and so allows nothing.
        problem: why it cannot.
    """

    folder: str
    rules: Rules | None
    problem: str = ""

    @property
    def name(self) -> str:
        """Of the file, below the data root."""
        return f"{self.folder}/{FILE_NAME}" if self.folder else FILE_NAME


class PermissionFiles:
    """The permission files in and below a data root; any thread may ask.

    What a file says is remembered as long as it looks the same from outside.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        # Guards what is remembered.
        self._lock = threading.Lock()
        self._known: OrderedDict[tuple[str, tuple[int, ...]], Held] = OrderedDict()

    def holding(self, folder: Path, seen: dict[Path, Held | None] | None = None) -> Held | None:
        """What holds for a folder below the root, whose path has no links; None where no file does.

        It is the file that lies nearest, in the folder or above, unless one above says that it holds for all below.

        Args:
            seen: what was found for folders of the same look; more is put in.
        """
        seen = {} if seen is None else seen
        if folder in seen:
            return seen[folder]
        above = None if folder == self.root else self.holding(folder.parent, seen)
        # Of one that cannot be read nobody knows.
        is_decided = above is not None and (above.rules is None or above.rules.is_terminal)
        seen[folder] = above if is_decided else self.of(folder) or above
        return seen[folder]

    def of(self, folder: Path) -> Held | None:
        """What a folder's own file says; None where it has none."""
        path = folder / FILE_NAME
        try:
            key = str(path), _looks(path.lstat())
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            # A name that no folder can have is one that is not there.
            if error.errno == errno.ENAMETOOLONG:
                return None
            return Held(self._name(folder), None, f"cannot be read: {error.strerror}")
        with self._lock:
            if (known := self._known.get(key)) is not None:
                return known
        held, looks = self._read(folder, path)
        if looks == key[1]:
            with self._lock:
                self._known[key] = held
                while len(self._known) > _MOST_KEPT:
                    self._known.popitem(last=False)
        return held

    def _read(self, folder: Path, path: Path) -> tuple[Held, _Looks | None]:
        """What the file says, and what it looked like meanwhile."""
        where = self._name(folder)
        try:
            # A link could be put in the place of one, and lead anywhere; a pipe would be waited for.
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            reason = "is a link" if error.errno == errno.ELOOP else f"cannot be read: {error.strerror}"
            return Held(where, None, reason), None
        try:
            status = os.fstat(descriptor)
            return _read(where, descriptor, status), _looks(status)
        finally:
            os.close(descriptor)

    def _name(self, folder: Path) -> str:
        where = folder.relative_to(self.root).as_posix()
        return "" if where == "." else where


def _looks(status: os.stat_result) -> _Looks:
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _read(where: str, descriptor: int, status: os.stat_result) -> Held:
    if not stat.S_ISREG(status.st_mode):
        return Held(where, None, "is no file")
    if status.st_size > LARGEST:
        return Held(where, None, f"has more than {LARGEST} bytes")
    try:
        content = os.read(descriptor, LARGEST + 1)
        return Held(where, Rules.read(content.decode()))
    except OSError as error:
        return Held(where, None, f"cannot be read: {error.strerror}")
    except UnicodeDecodeError:
        return Held(where, None, "is not UTF-8")
    except InvalidRequest as error:
        return Held(where, None, str(error))
