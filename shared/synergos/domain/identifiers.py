"""Ids that people choose; they end up in paths and URLs, so they may not leave their folder."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from synergos.errors import InvalidRequest

MAXIMUM_LENGTH = 128
"""Characters of an id."""
MAXIMUM_BYTES = 200
"""Of a new id in UTF-8: file systems count bytes, 255 for a name, and names of drafts and exports are longer than an id."""
_LONGEST_NAME = 255
"""Bytes of a file's or folder's name."""
_DEVICES = {"con", "prn", "aux", "nul", *(f"{port}{number}" for port in ("com", "lpt") for number in range(1, 10))}
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


def check_new_identifier(value: object, field: str) -> str:
    """Return ``value`` when something new can be called so, on every file system that its folder may come to lie on.

    Raises:
        InvalidRequest: as :func:`check_identifier`; or it has too many bytes, or is the name of a device.
    """
    identifier = check_identifier(value, field)
    _check_bytes(identifier, MAXIMUM_BYTES, field)
    # Windows takes aux.txt and "aux .txt" for the device as well.
    if _folded(re.split(r"[.:]", identifier)[0]).strip() in _DEVICES:
        raise InvalidRequest(f"{identifier!r} is the name of a device on some systems; expected another", field)
    return identifier


def check_folder_name(value: object, field: str) -> str:
    """Return ``value`` when it is a usable id, and one that a folder can be called.

    Raises:
        InvalidRequest: it is not.
    """
    identifier = check_identifier(value, field)
    _check_bytes(identifier, _LONGEST_NAME, field)
    return identifier


def check_told_apart(value: str, siblings: Iterable[str], field: str) -> None:
    """Refuse an id that people, or a file system, may take for one beside it: upper and lower case, ``ﬁ`` and ``fi``.

    Raises:
        InvalidRequest: there is such a one; names it.
    """
    folded = _folded(value)
    for sibling in siblings:
        if sibling != value and _folded(sibling) == folded:
            raise InvalidRequest(
                f"{value!r} cannot be told from {sibling!r}, which is there already, where case and forms of a letter do not "
                "count; expected another",
                field,
            )


def _check_bytes(identifier: str, most: int, field: str) -> None:
    size = len(identifier.encode())
    if size > most:
        raise InvalidRequest(f"expected at most {most} bytes in UTF-8, got {size}", field)


def _folded(identifier: str) -> str:
    """What is left of an id without case and compatible forms; folding can make letters that have another form again."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", identifier).casefold())
