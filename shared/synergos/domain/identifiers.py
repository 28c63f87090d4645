"""Ids that people choose; they end up in paths and URLs, so they may not leave their folder."""

from __future__ import annotations

import re

from synergos.errors import InvalidRequest

MAXIMUM_LENGTH = 128
_ALLOWED = re.compile(r"\w[\w .@+:=~()\-]*", re.UNICODE)
RESERVED_RUN_IDS = frozenset({"optimizations"})


def check_identifier(value: object, field: str) -> str:
    """Return ``value`` when it is a usable id.

    Raises:
        InvalidRequest: it is not a string, is empty, too long, or has a character that could leave its folder.
    """
    if not isinstance(value, str):
        raise InvalidRequest(f"expected a string, got {type(value).__name__}", field)
    if not 0 < len(value) <= MAXIMUM_LENGTH:
        raise InvalidRequest(f"expected 1 to {MAXIMUM_LENGTH} characters, got {len(value)}", field)
    if not _ALLOWED.fullmatch(value) or value.endswith((" ", ".")):
        raise InvalidRequest(
            f"{value!r} is not a usable id: expected a letter or digit, then letters, digits, blanks or any of _ . @ + : = ~ ( ) -",
            field,
        )
    if field == "run_id" and value in RESERVED_RUN_IDS:
        raise InvalidRequest(f"{value!r} is the name of a route", field)
    return value
