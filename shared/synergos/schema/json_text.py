"""JSON that somebody sent, as an object of values that can be compared, sent on and shown again, and nothing else."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any, NoReturn

from synergos.errors import InvalidRequest

MAXIMUM_DEPTH = 32
MAXIMUM_VALUES = 400_000
"""A value of three bytes takes a hundred in memory; a feature space of 60,000 levels has 300,000."""
_MAXIMUM_INTEGER = 2**63
HALVES = re.compile("[\ud800-\udfff]")
"""Halves of surrogate pairs: JSON can write them, and no text that is sent on can have them."""
UNSTORABLE = re.compile("[\0\ud800-\udfff]")
"""What no record can hold."""


def object_in(text: bytes, forbidden: re.Pattern[str] = HALVES) -> dict[str, Any]:
    """The object that a text is.

    Args:
        forbidden: what no name and no text in it may have.

    Raises:
        ValueError: it is not JSON.
        InvalidRequest: it is JSON, but no object, or holds what breaks something later; names the place.
    """
    # Not quite their number, as text has such letters too; but nothing has been made of them yet.
    if sum(map(text.count, (b",", b"[", b"{"))) > MAXIMUM_VALUES:
        raise InvalidRequest(f"expected at most {MAXIMUM_VALUES:,} values, and commas and brackets in texts", "body")
    try:
        value = json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_without_doubles)
    except RecursionError:
        raise _too_deep() from None
    if not isinstance(value, dict):
        raise InvalidRequest(f"expected an object, got {type(value).__name__}", "body")
    refuse_unusable(value, forbidden)
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        [(double, _)] = Counter(name for name, _ in pairs).most_common(1)
        raise InvalidRequest("is there twice in one object; expected each name once", HALVES.sub("?", double[:80]))
    return found


def refuse_unusable(body: dict[str, Any], forbidden: re.Pattern[str] = HALVES) -> None:
    """Refuse what passes a JSON parser and breaks something later.

    Args:
        forbidden: what no name and no text in it may have.

    Raises:
        InvalidRequest: names the place and what was expected there.
    """
    # Without recursion: it may be deep.
    waiting: list[tuple[Any, tuple[str | int, ...]]] = [(body, ())]
    while waiting:
        value, place = waiting.pop()
        if len(place) > MAXIMUM_DEPTH:
            raise _too_deep()
        if isinstance(value, dict):
            for name, item in value.items():
                _check_text(name, place, forbidden)
                waiting.append((item, (*place, name)))
        elif isinstance(value, list):
            waiting.extend((item, (*place, index)) for index, item in enumerate(value))
        elif isinstance(value, str):
            _check_text(value, place, forbidden)
        # Of an integer of a thousand digits there is no float, and so no isfinite().
        elif isinstance(value, int | float) and not abs(value) < _MAXIMUM_INTEGER:
            raise _refusal("expected a number that fits into 64 bits", place)


def _check_text(text: str, place: tuple[str | int, ...], forbidden: re.Pattern[str]) -> None:
    if forbidden.search(text):
        raise _refusal("expected text without NUL and without half a surrogate pair", place)


def _refusal(why: str, place: tuple[str | int, ...]) -> InvalidRequest:
    # Only now: jsonschema, which comes along, takes longer to import than everything else of this package together.
    from synergos.schema.explanation import path

    return InvalidRequest(why, path(place) or "body")


def _too_deep() -> InvalidRequest:
    return InvalidRequest(f"expected at most {MAXIMUM_DEPTH} levels of nesting", "body")
