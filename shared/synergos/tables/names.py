"""Names of columns and levels: when two are one, and how errors show them."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

_SHOWN = 5


_BLANKS = str.maketrans(dict.fromkeys("\u00a0\u2007\u202f", " ") | {"\ufeff": None})


def normalised(name: str) -> str:
    """A name as people see it: letters composed (NFC), no-break blanks as any others, none around it."""
    return unicodedata.normalize("NFC", name.translate(_BLANKS)).strip()


def listed(names: Sequence[str]) -> str:
    """Names for an error message, the first few of them."""
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(map(repr, names[:_SHOWN])) + more
