"""Log lines as programs write them where there is no terminal, read back."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Line:
    """One line.

    Attributes:
        facts: what it says beside the event, as text.
    """

    level: str
    event: str
    logger: str
    facts: Mapping[str, str]


def read_lines(text: str) -> Iterator[Line]:
    """The lines of a log.

    Raises:
        AssertionError: one of them was not written by the program's own logging.
    """
    for text_line in text.splitlines():
        assert text_line.startswith("{"), f"not a line of ours: {text_line}"
        said = json.loads(text_line)
        del said["timestamp"]
        level, event, logger = (said.pop(name) for name in ("level", "event", "logger"))
        yield Line(level, event, logger, {name: str(fact) for name, fact in said.items()})
