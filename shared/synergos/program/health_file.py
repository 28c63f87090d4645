"""What a program says of itself in a file, for those who would ask it if it listened anywhere."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from synergos.domain.reachability import Answered
from synergos.program.loop import Loop

NAME = ".health.json"
"""In the program's own folder."""
_SECONDS = 2.0
FRESH = timedelta(seconds=20)
"""After which a file is of a program that ended, or hangs."""


class HealthFile:
    """Writes it again and again, in a thread of its own.

    Args:
        folder: the program's own.
        health: what it would answer to ``GET /health``.
    """

    def __init__(self, folder: Path, health: Callable[[], Mapping[str, object]]) -> None:
        self._path = folder / NAME
        self._health = health
        self._loop = Loop("health file", self._write)

    def start(self) -> None:
        """Begin."""
        self._loop.start()

    def close(self) -> None:
        """End, and leave nothing behind that looks alive."""
        self._loop.close()
        with suppress(OSError):
            self._path.unlink(missing_ok=True)

    def _write(self) -> float:
        draft = self._path.with_suffix(".new")
        draft.write_text(json.dumps(self._health()) + "\n", encoding="utf-8")
        draft.replace(self._path)
        return _SECONDS


def health_in(folder: Path, now: datetime | None = None) -> Mapping[str, object] | None:
    """What a program that runs says of itself in its folder; None where none does."""
    try:
        content = (folder / NAME).read_bytes()
        told = json.loads(content)
        written = datetime.fromisoformat(Answered.read(content).time or "")
    except (OSError, ValueError):
        return None
    return told if (now or datetime.now(UTC)) - written < FRESH else None
