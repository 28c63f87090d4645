"""JSON that somebody sent, as an object of values that can be compared, sent on and shown again, and nothing else."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, NoReturn

from synergos.errors import InvalidRequest

MAXIMUM_DEPTH = 32
MOST_MEMORY = 63 * 2**20
"""Bytes that the values of a text may take, about; a feature space of 200,000 features, the largest that is agreed on, just fits."""
_BYTES_OF = {b"{": 400, b"[": 72, b",": 64}
"""What stands for a value, and what values of that kind take in memory at most; what has none of these is as long as its text."""
_BYTES_OF_PAIR = 200
_MAXIMUM_INTEGER = 2**63
HALVES = re.compile("[\ud800-\udfff]")
"""Halves of surrogate pairs: JSON can write them, and no text that is sent on can have them."""
UNSTORABLE = re.compile("[\0\ud800-\udfff]")
"""What no record can hold."""


def object_in(text: bytes, forbidden: re.Pattern[str] = HALVES, memory: int = MOST_MEMORY) -> dict[str, object]:
    """The object that a text is.

    Args:
        forbidden: what no name and no text in it may have.
        memory: how many bytes its values may take, about; they are counted, with what looks like one in a text, before any is made.

    Raises:
        ValueError: it is not JSON.
        InvalidRequest: it is JSON, but no object, or holds what breaks something later; names the place.
    """
    value = value_in(text, forbidden, memory)
    if not isinstance(value, dict):
        raise InvalidRequest(f"expected an object, got {type(value).__name__}", "body")
    return value


def value_in(text: bytes, forbidden: re.Pattern[str] = HALVES, memory: int = MOST_MEMORY) -> Any:
    """The value that a text is, of any kind; arguments and errors are those of :func:`object_in`."""
    if memory_of(text) > memory:
        raise InvalidRequest(f"expected values that take at most {memory // 2**20} MiB of memory; send fewer", "body")
    try:
        value = json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_without_doubles)
    except RecursionError:
        raise _too_deep() from None
    refuse_unusable([value] if not isinstance(value, dict | list) else value, forbidden)
    return value


def memory_of(text: bytes) -> int:
    """About how many bytes the values of a text take, the text itself aside."""
    # What an object takes is enough for three names; whatever has more of them is made as pairs first.
    more_names = max(0, text.count(b":") - 3 * text.count(b"{"))
    return sum(size * text.count(sign) for sign, size in _BYTES_OF.items()) + more_names * _BYTES_OF_PAIR


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _without_doubles(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        [(double, _)] = Counter(name for name, _ in pairs).most_common(1)
        raise InvalidRequest("is there twice in one object; expected each name once", HALVES.sub("?", double[:80]))
    return found


def refuse_unusable(body: dict[str, object] | list[object], forbidden: re.Pattern[str] = HALVES) -> None:
    """Refuse what passes a JSON parser and breaks something later.

    Args:
        forbidden: what no name and no text in it may have.

    Raises:
        InvalidRequest: names the place and what was expected there.
    """
    # Without recursion, as it may be deep, and with no list of what is to be looked at, as it may be long.
    place: list[str | int] = []
    levels = [_entries(body)]
    while levels:
        if (entry := next(levels[-1], None)) is None:
            levels.pop()
            del place[-1:]
            continue
        name, value = entry
        if isinstance(name, str):
            _check_text(name, place, forbidden)
        place.append(name)
        if isinstance(value, dict | list):
            if len(place) > MAXIMUM_DEPTH:
                raise _too_deep()
            levels.append(_entries(value))
            continue
        if isinstance(value, str):
            _check_text(value, place, forbidden)
        # Of an integer of a thousand digits there is no float, and so no isfinite().
        elif isinstance(value, int | float) and not abs(value) < _MAXIMUM_INTEGER:
            raise _refusal("expected a number that fits into 64 bits", place)
        place.pop()


def _entries(value: dict[str, object] | list[object]) -> Iterator[tuple[str | int, object]]:
    return iter(value.items()) if isinstance(value, dict) else enumerate(value)


def _check_text(text: str, place: Sequence[str | int], forbidden: re.Pattern[str]) -> None:
    if forbidden.search(text):
        raise _refusal("expected text without NUL and without half a surrogate pair", place)


def _refusal(why: str, place: Sequence[str | int]) -> InvalidRequest:
    # Only now: jsonschema, which comes along, takes longer to import than everything else of this package together.
    from synergos.schema.explanation import path

    return InvalidRequest(why, path(place) or "body")


def _too_deep() -> InvalidRequest:
    return InvalidRequest(f"expected at most {MAXIMUM_DEPTH} levels of nesting", "body")
