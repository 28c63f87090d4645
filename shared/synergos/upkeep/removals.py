"""What is to go: found first, so that it can be shown, and removed then."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from stat import S_ISREG
from uuid import uuid4

from synergos.domain.tags import Purpose

_GONE = ".gone-"
_HALF_DONE = re.compile(rf"(\{_GONE}|\.staging-|\.backup-|\.({'|'.join(Purpose)})-)[0-9a-f]{{32}}")
"""Names of folders that are there for a moment. Not ``.replaced-``: that may be all there is of a run."""
_GIVEN_UP = timedelta(days=1)


@dataclass(frozen=True)
class Removal:
    """A folder that is to go.

    Attributes:
        what: which kind of thing it is.
        why: why it may go.
        first: done before, so that nobody is led to files that are gone; whether they may still go.
    """

    what: str
    path: Path
    why: str
    first: Callable[[], bool] = lambda: True

    @property
    def bytes(self) -> int:
        """How much room it takes; files that have another name elsewhere are counted too."""
        return sum(stat.st_size for stat in _stats_below(self.path) if S_ISREG(stat.st_mode))

    def carry_out(self, root: Path) -> bool:
        """Remove it, and folders above it that are empty then; whether it might go, and was there.

        Args:
            root: which stays.

        Raises:
            OSError: it cannot be removed.
        """
        if not self.first():
            return False
        # Moved first: who looks finds all of it or nothing.
        gone = self.path.with_name(f"{_GONE}{uuid4().hex}")
        try:
            self.path.rename(gone)
        except FileNotFoundError:
            return False
        shutil.rmtree(gone)
        folder = self.path.parent
        with suppress(OSError):
            while folder != root:
                folder.rmdir()
                folder = folder.parent
        return True


def left_over(outputs: Path, now: datetime) -> Iterator[Removal]:
    """What programs that were killed have left half done below an outputs folder."""
    folders = [Path(parent, name) for parent, names, _ in os.walk(outputs) for name in names if _HALF_DONE.match(name)]
    for path in sorted(folders):
        if now - written_at(path) > _GIVEN_UP:
            yield Removal("half done", path, "whoever began it was killed")


def written_at(folder: Path) -> datetime:
    """When something in a folder was last written; now, where it has just gone."""
    moments = [stat.st_mtime for stat in (*_stats_of(folder), *_stats_below(folder))]
    return datetime.fromtimestamp(max(moments), UTC) if moments else datetime.now(UTC)


def _stats_below(folder: Path) -> Iterator[os.stat_result]:
    """Of everything in a folder; a program may move and remove some of it meanwhile."""
    for parent, folders, files in os.walk(folder):
        for name in (*folders, *files):
            yield from _stats_of(Path(parent, name))


def _stats_of(path: Path) -> Iterator[os.stat_result]:
    with suppress(FileNotFoundError):
        yield path.lstat()
