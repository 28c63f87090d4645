"""What stands by fingerprint in a small file, and which one is meant by its first digits."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

from synergos.errors import Conflict, InvalidRequest
from synergos.identity.small_file import stored_in
from synergos.identity.trust import is_fingerprint

DIGITS_TO_APPROVE, DIGITS_TO_REVOKE = 20, 8
"""How much of a fingerprint will do. Anybody can make keys whose fingerprint begins with few digits of his choice."""

Entry = TypeVar("Entry")


def by_fingerprint(path: Path, entry: Callable[[Any], Entry], written: str) -> dict[str, Entry]:
    """What stands in a file; nothing where there is no file.

    Args:
        entry: reads what stands by one; raises what Python does where that is something else.
        written: what should be there.

    Raises:
        Conflict: the file is damaged.
    """
    stored = stored_in(path)
    try:
        return {known: entry(said) for known, said in stored.items() if is_fingerprint(known)}
    except (LookupError, TypeError, ValueError) as error:
        raise Conflict(f"{path} is damaged: expected {written}") from error


def meant(text: str, known: Iterable[str], digits: int, expected: str, field: str) -> str:
    """The fingerprint that a text is, or is the beginning of, among those that are known.

    Args:
        known: not looked at where the text is a whole one.
        digits: so many have to be there.
        expected: what the text should have been, where it is the beginning of none.

    Raises:
        InvalidRequest: there is none, or more than one.
    """
    text = text.lower()
    if is_fingerprint(text):
        return text
    found = sorted({each for each in known if len(text) >= digits and each.startswith(text)})
    if len(found) == 1:
        return found[0]
    raise InvalidRequest(f"expected {'which of several it is' if found else expected}, got {text[:100]!r}", field)
