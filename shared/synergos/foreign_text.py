"""Text that others wrote (labels, levels, ids, errors), as it may stand where something would act on it.

One function for each kind of place. Records, messages and JSON keep the text as it is: nothing there acts on it.
"""

from __future__ import annotations

import html
import re
import unicodedata

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_KEPT = frozenset("\n\t")


def in_spreadsheet(text: str) -> str:
    """As a cell of a file that spreadsheets open: what they would take for a formula begins with an apostrophe.

    Plain numbers stay what they are, with their sign.
    """
    if not text.startswith(_FORMULA) or _NUMBER.fullmatch(text):
        return text
    return f"'{text}"


def on_terminal(text: str) -> str:
    """As text on a terminal: what would move its cursor, change its colours or title, or turn round what is read, is spelled out.

    Line breaks and tabulators stay. What is written is read as text, so markup has no meaning where it is printed.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_spelled(letter) if _acts(letter) else letter for letter in text)


def on_page(text: str) -> str:
    """As text of an HTML page, attributes included."""
    return html.escape(on_terminal(text), quote=True)


def _acts(letter: str) -> bool:
    # Cc: C0, C1 and DEL. Cf: direction, joiners and tags, none of which can be seen. Zl, Zp: line breaks of their own.
    return letter not in _KEPT and unicodedata.category(letter) in ("Cc", "Cf", "Zl", "Zp", "Cs")


def _spelled(letter: str) -> str:
    return letter.encode("unicode_escape").decode()
