"""Names that are not the same and look as if they should be: which they are, and what they differ in, in words."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

_EDGES = " \t.,;:!?\"'"
_BETWEEN = re.compile(r"(?<=.)[\s_\-]+")
_BLANKS = re.compile(r"\s+")


def folded(name: str) -> str:
    """What is left of a name without case, blanks, separators, punctuation at its ends and Unicode forms."""
    text = unicodedata.normalize("NFKC", name).casefold()
    return _BETWEEN.sub("", text.strip().strip(_EDGES))


def look_alikes(names: Iterable[str]) -> list[list[str]]:
    """Names that fold to one, in groups of two or more; each group and all groups in order of code points."""
    groups: dict[str, set[str]] = {}
    for name in names:
        groups.setdefault(folded(name), set()).add(name)
    return sorted(sorted(group) for group in groups.values() if len(group) > 1)


def difference(one: str, other: str) -> str:
    """What two names that fold to one differ in."""
    if unicodedata.normalize("NFC", one) == unicodedata.normalize("NFC", other):
        return "the Unicode form of their letters"
    if one.casefold() == other.casefold():
        return "case"
    if _BLANKS.sub("", one) == _BLANKS.sub("", other):
        return "blanks"
    if one.strip(".") == other.strip("."):
        return "a full stop"
    return "case, blanks, punctuation or Unicode form"


def shown(name: str) -> str:
    """A name in quotation marks, with what nobody can see in it, or not as what it is, spelt out."""
    return "'" + "".join(letter if _is_plain(letter) else ascii(letter)[1:-1] for letter in name) + "'"


def listed(names: Iterable[str], most: int = 20) -> str:
    """Names as :func:`shown`, the first of them."""
    every = list(names)
    more = f" and {len(every) - most} more" if len(every) > most else ""
    return ", ".join(map(shown, every[:most])) + more


def _is_plain(letter: str) -> bool:
    return letter == " " or (not unicodedata.combining(letter) and unicodedata.category(letter)[0] not in "CZ")
