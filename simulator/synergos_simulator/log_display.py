"""Shows on a terminal what the programs of a grid log, while they do."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from synergos_simulator.state import Program

_LOOK = 0.2
_FIRST = ("timestamp", "level", "event", "component", "id")


@contextmanager
def logs_shown(programs: Sequence[Program], show: Callable[[str], None]) -> Iterator[None]:
    """Show each line that these programs write to their logs inside the ``with`` block, and those they have written before.

    Args:
        show: called with one line at a time, by a thread of its own.
    """
    done = threading.Event()
    following = threading.Thread(target=_follow, args=(programs, show, done), name="log display")
    following.start()
    try:
        yield
    finally:
        done.set()
        following.join()


def _follow(programs: Sequence[Program], show: Callable[[str], None], done: threading.Event) -> None:
    logs = [_Log(program) for program in programs]
    ended = False
    while not ended:
        # Looked at before the logs are: what was written before the end is shown.
        ended = done.wait(_LOOK)
        for log in logs:
            for line in log.new_lines():
                show(line)
    for log in logs:
        log.close()


class _Log:
    """The log of one program, from its beginning."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._file: BinaryIO | None = None
        self._begun = b""

    def new_lines(self) -> Iterator[str]:
        """The lines that were finished since the last time."""
        if self._file is None:
            path = Path(self._program.log)
            if not path.is_file():
                return
            self._file = path.open("rb")
        *lines, self._begun = (self._begun + self._file.read()).split(b"\n")
        for line in lines:
            yield readable(self._program.name, line.decode(errors="replace"))

    def close(self) -> None:
        """Read no more of it."""
        if self._file is not None:
            self._file.close()


def readable(program: str, line: str) -> str:
    """A line of a program's log for people: time of day, level, who says it and what, then the rest as ``name=value``."""
    try:
        facts = json.loads(line)
        time, level, event = facts["timestamp"][11:19], facts["level"], facts["event"]
    except (ValueError, KeyError, TypeError):
        # Other people's programs write as they like.
        return f"{program}: {line}"
    others = " ".join(f"{name}={value}" for name, value in facts.items() if name not in _FIRST)
    return f"{time} {level:<7} {program}: {event} {others}".rstrip()
