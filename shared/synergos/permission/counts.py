"""How often today each line of a permission file was made use of: in a file of the worker's own, so that it is known after a restart."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import structlog

from synergos.errors import Conflict
from synergos.identity.small_file import stored_in, write

log = structlog.get_logger(__name__)

COUNTS = "uses.json"
"""Written by the worker alone."""


@dataclass(frozen=True)
class Line:
    """One reader of one rule of one file.

    Attributes:
        file: below the data root.
        who: as the rule has it.
        most: how often a day.
    """

    file: str
    pattern: str
    who: str
    most: int

    @property
    def key(self) -> str:
        """As the file of counts has it; how often is no part of it, so that a limit that is changed counts what was."""
        return sha256("\n".join((self.file, self.pattern, self.who)).encode()).hexdigest()[:32]


@dataclass(frozen=True)
class Taken:
    """Uses that were counted, and for which day."""

    day: str
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Spent:
    """That of one of several choices nothing is left.

    Attributes:
        line: of which most was left.
        day: for which uses are counted.
        today: as the clock has it; another day where it was ahead before.
    """

    line: Line
    choice: Collection[Line]
    day: str
    today: str


def utc_today() -> str:
    """The day, in UTC; ISO 8601."""
    return datetime.now(UTC).date().isoformat()


class Counts:
    """Those of today (UTC); any thread may count. A clock that goes back begins no day anew.

    Raises Conflict, from all methods: the file is damaged, or cannot be written.
    """

    def __init__(self, path: Path, today: Callable[[], str] = utc_today) -> None:
        self._path = path
        self._today = today
        self._is_told = False
        # Guards all of it and the file: of two who count at once one waits, and finds what the other has counted.
        self._lock = threading.Lock()

    def of(self, lines: Collection[Line]) -> Mapping[Line, int]:
        """How often each was made use of."""
        with self._lock:
            _, counts = self._stored(self._today())
        return {line: counts.get(line.key, 0) for line in lines}

    def take(self, choices: Collection[Collection[Line]]) -> Taken | Spent:
        """Count one use of each choice, by that of its lines of which most is left; where nothing is left of one, nothing is counted."""
        with self._lock:
            today = self._today()
            day, counts = self._stored(today)
            self._tell_of_another_day(day, today)
            # Of one file and rule, one use is one use.
            chosen: dict[Line, Collection[Line]] = {}
            for choice in choices:
                chosen.setdefault(min(choice, key=lambda line: counts.get(line.key, 0) - line.most), choice)
            for line, choice in chosen.items():
                if counts.get(line.key, 0) >= line.most:
                    return Spent(line, choice, day, today)
            self._write(day, {**counts, **{line.key: counts.get(line.key, 0) + 1 for line in chosen}})
        return Taken(day, tuple(chosen))

    def give_back(self, taken: Taken) -> None:
        """What was counted came to nothing; for a day that is over nothing is counted any more."""
        with self._lock:
            day, counts = self._stored(self._today())
            if day == taken.day:
                self._write(day, {**counts, **{line.key: max(0, counts.get(line.key, 0) - 1) for line in taken.lines}})

    def _tell_of_another_day(self, day: str, today: str) -> None:
        if day > today and not self._is_told:
            log.warning(
                "uses are counted for a day that has not come: the clock was ahead, or is behind; where it is right now, remove the file",
                file=str(self._path), day=day, today=today,
            )  # fmt: skip
        self._is_told = day > today

    def _stored(self, today: str) -> tuple[str, dict[str, int]]:
        stored = stored_in(self._path)
        day, counts = stored.get("day", ""), stored.get("counts", {})
        if (
            not isinstance(day, str)
            or not isinstance(counts, dict)
            or not all(type(count) is int and count >= 0 for count in counts.values())
        ):
            raise Conflict(f"{self._path} is damaged: expected what a worker counts of a day's uses")
        return (day, counts) if day >= today else (today, {})

    def _write(self, day: str, counts: Mapping[str, int]) -> None:
        try:
            write(self._path, {"day": day, "counts": counts})
        except OSError as error:
            raise Conflict(f"{self._path} cannot be written: {error.strerror}") from error
