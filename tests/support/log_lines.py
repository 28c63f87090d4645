"""Log lines as programs write them to standard error, read back."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

_LINE = re.compile(r"^\S+Z \[(?P<level>\w+) *\] (?P<event>.*?) +\[(?P<logger>[\w.]+)\](?P<facts> .*)?$")
_FACT = re.compile(r"(\w+)=('(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|\S+)")
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True)
class Line:
    """One line.

    Attributes:
        facts: what stands behind the event, as text.
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
    for text_line in _COLOURS.sub("", text).splitlines():
        found = _LINE.match(text_line)
        assert found is not None, f"not a line of ours: {text_line}"
        facts = {name: value.strip("'\"") for name, value in _FACT.findall(found["facts"] or "")}
        yield Line(found["level"], found["event"], found["logger"], facts)
