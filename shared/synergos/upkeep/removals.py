"""What is to go: found first, so that it can be shown, and removed then."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
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
        return sum(path.stat().st_size for path in self.path.rglob("*") if path.is_file())

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
    for path in sorted(outputs.rglob(".*")):
        if _HALF_DONE.match(path.name) and path.is_dir() and now - written_at(path) > _GIVEN_UP:
            yield Removal("half done", path, "whoever began it was killed")


def written_at(folder: Path) -> datetime:
    """When something in a folder was last written."""
    paths = (folder, *folder.rglob("*"))
    return datetime.fromtimestamp(max(path.lstat().st_mtime for path in paths), UTC)
