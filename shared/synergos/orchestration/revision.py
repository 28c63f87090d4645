"""Revisions: what stands for a record as somebody has seen it, and tells which of its fields have been changed since."""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
from urllib.parse import quote, unquote

_LONGEST = 2048
"""Characters of a revision; one of a record with more fields tells that something has changed, but not what."""
_WHOLE = 32
_OF_FIELD = 8
"""Hexadecimal digits: of the whole, by which revisions are told apart, and of each field, for what is said of it."""


def revision_of(fields: Mapping[str, object]) -> str:
    """What stands for these fields of a record: a digest of all of them, and a short one of each.

    Returns:
        Letters, digits and ``%.,=~_-`` alone.
    """
    whole = _digest(fields, _WHOLE)
    each = ",".join(f"{quote(name, safe='')}={_digest(value, _OF_FIELD)}" for name, value in sorted(fields.items()))
    revision = f"{whole}~{each}"
    return revision if len(revision) <= _LONGEST else whole


def is_of(revision: str, fields: Mapping[str, object]) -> bool:
    """Whether a revision stands for these fields."""
    return revision.partition("~")[0] == _digest(fields, _WHOLE)


def changed_since(revision: str, fields: Mapping[str, object]) -> list[str]:
    """The fields that were otherwise, or not there, when a record had this revision; none where it does not say."""
    _, has_fields, said = revision.partition("~")
    if not has_fields:
        return []
    before = {unquote(name): digest for name, _, digest in (each.partition("=") for each in said.split(",") if each)}
    now = {name: _digest(value, _OF_FIELD) for name, value in fields.items()}
    return sorted(name for name in before.keys() | now.keys() if before.get(name) != now.get(name))


def _digest(value: object, digits: int) -> str:
    return sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()[:digits]
