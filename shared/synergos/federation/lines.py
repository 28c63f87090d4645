"""Where in a TOML text each key stands: tomllib tells this of what cannot be read, and of nothing else."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

Steps = tuple[str | int, ...]


class Lines:
    """The lines of the keys of a text that tomllib can read.

    A text is a sequence of statements, each a header or a key with its value. A statement ends where what has been
    gathered of it is TOML by itself.
    """

    def __init__(self, text: str) -> None:
        self._found: dict[str, int] = {}
        self._counts: dict[Steps, int] = {}
        self._table: Steps = ()
        for number, statement in _statements(text):
            self._note(number, statement)

    def of(self, field: str) -> int | None:
        """The line of a field, written as errors write it (``model[2].l_type``), or of what it stands in."""
        while field:
            if field in self._found:
                return self._found[field]
            field = field[: max(field.rfind("."), field.rfind("["), 0)]
        return None

    def _note(self, number: int, statement: str) -> None:
        content = tomllib.loads(statement)
        if statement.lstrip().startswith("["):
            self._table = self._header(content)
            for length in range(1, len(self._table) + 1):
                self._found.setdefault(_path(self._table[:length]), number)
        else:
            _Places(self._found, number, statement).note(content, self._table)

    def _header(self, content: Mapping[str, object]) -> Steps:
        """The table that a header opens; of a list of tables, the newest one."""
        steps: Steps = ()
        inner: Any = content
        while inner:
            (name, inner), *_ = inner.items()
            steps = (*steps, name)
            if isinstance(inner, list):
                self._counts[steps] = self._counts.get(steps, 0) + 1
                inner = inner[0]
            if steps in self._counts:
                steps = (*steps, self._counts[steps] - 1)
        return steps


class _Places:
    """The lines of what is in one statement; keys come in the order in which they are written."""

    def __init__(self, found: dict[str, int], number: int, statement: str) -> None:
        self._found = found
        self._number = number
        self._statement = statement
        self._at = 0

    def note(self, value: object, steps: Steps) -> None:
        """Note a value's own keys."""
        if isinstance(value, Mapping):
            for name, item in value.items():
                self._go_to(name)
                line = self._number + self._statement.count("\n", 0, self._at)
                # An item of a list is where its first key is.
                self._found.setdefault(_path(steps), line)
                self._found.setdefault(_path((*steps, name)), line)
                self.note(item, (*steps, name))
        elif isinstance(value, list):
            for position, item in enumerate(value):
                self.note(item, (*steps, position))

    def _go_to(self, name: str) -> None:
        key = re.compile(rf"(?<![\w-]){re.escape(name)}[\"']?\s*[.=]")
        if match := key.search(self._statement, self._at):
            self._at = match.end()


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """Each with the number of its first line."""
    gathered, began = "", 1
    for number, line in enumerate(text.splitlines(keepends=True), 1):
        if not gathered:
            began = number
            if not line.partition("#")[0].strip():
                continue
        gathered += line
        try:
            tomllib.loads(gathered)
        except tomllib.TOMLDecodeError:
            continue
        yield began, gathered
        gathered = ""


def _path(steps: Steps) -> str:
    # Only when something is wrong: jsonschema takes longer to import than all of this.
    from synergos.schema.explanation import path

    return path(steps)
