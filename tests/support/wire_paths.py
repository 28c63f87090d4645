"""What a message between a TTP and a worker says, key by key, and what docs/wire-formats.md lists of it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from support.wire_recorder import Exchange

_MESSAGE = re.compile(r"^#### `(?P<method>[A-Z]+) (?P<route>\S+)`: (?P<side>question|answer)$")
_ROW = re.compile(r"^\| (?P<paths>`[^|]*`(?:, `[^|]*`)*)(?P<sometimes> \(sometimes\))? \|")
_WILD = re.compile(r"(<[a-z_ ]+>)")
_KEY, _NAME = r"[^.\[\]]+", r".+"
"""What stands for one key, and for a name in which there are points."""


@dataclass(frozen=True)
class Crossing:
    """One thing that one message says.

    Attributes:
        message: method, route and side, as ``POST /worker/poll: answer``.
        path: keys from the outside in; ``[]`` for the entries of a list.
    """

    message: str
    path: str

    def __str__(self) -> str:
        return f"{self.message} {self.path}"


@dataclass(frozen=True)
class Entry:
    """One thing that is listed; ``<…>`` stands for any one key.

    Attributes:
        is_always: whether every cycle has it.
    """

    message: str
    path: str
    is_always: bool

    def covers(self, crossing: Crossing) -> bool:
        """Whether it lists that."""
        pattern = "".join(
            re.escape(part) if not part.startswith("<") else _NAME if part in {"<file>", "<tensor>"} else _KEY
            for part in _WILD.split(self.path)
        )
        return crossing.message == self.message and bool(re.fullmatch(pattern, crossing.path))

    def __str__(self) -> str:
        return f"{self.message} {self.path}"


def documented(text: str) -> list[Entry]:
    """What a document lists, a heading for each message and a table row for each thing that it says."""
    found: list[Entry] = []
    message = None
    for line in text.splitlines():
        if line.startswith("#"):
            heading = _MESSAGE.match(line)
            message = "{method} {route}: {side}".format(**heading.groupdict()) if heading else None
        elif message and (row := _ROW.match(line)):
            found += [Entry(message, path, row["sometimes"] is None) for path in re.findall(r"`([^`]*)`", row["paths"])]
    assert found, "nothing is listed"
    return found


def crossings(exchanges: Sequence[Exchange]) -> list[Crossing]:
    """What some messages said, each thing once; errors are told apart from answers by their own envelope."""
    found: dict[Crossing, None] = {}
    for exchange in exchanges:
        route = _route(exchange.path)
        for side, body in (("question", exchange.question), ("answer", exchange.answer)):
            for path in filter(None, _paths_of(body)):
                found[Crossing(f"{exchange.method} {route}: {side}", path)] = None
    return sorted(found, key=str)


def _route(path: str) -> str:
    """The address without ids and numbers."""
    plain = path.partition("?")[0]
    if plain.startswith("/worker/"):
        return "/".join(plain.split("/")[:3])
    if plain.startswith("/sessions/"):
        return "/".join(["/sessions", *(part for part in plain.split("/")[3:] if not part.isdigit())])
    return plain


def _paths_of(body: bytes) -> Iterator[str]:
    if not body:
        return
    if body[:1] == b"{":
        yield from _paths(json.loads(body), "")
        return
    length = int.from_bytes(body[:8], "little")
    header = json.loads(body[8 : 8 + length])
    metadata = header.pop("__metadata__", {})
    yield from (f"tensor {name}" for name in header)
    for key, text in metadata.items():
        yield from _paths(json.loads(text), key)


def _paths(value: object, at: str) -> Iterator[str]:
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from _paths(item, f"{at}.{key}" if at else key)
    elif isinstance(value, list) and value:
        for item in value:
            yield from _paths(item, f"{at}[]")
    else:
        yield at
