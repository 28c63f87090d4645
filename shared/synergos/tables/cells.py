"""What a cell means: the name of a level, or a number, or nothing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synergos.domain.natural_order import natural_order
from synergos.tables.names import normalised

BLANKS = " \t\r\n\u00a0\u2007\u202f\ufeff"
"""What may stand around a cell and is no part of it."""

NO_NUMBER = frozenset(
    {"", "#n/a", "#n/a n/a", "#na", "-1.#ind", "-1.#qnan", "-nan", "1.#ind", "1.#qnan", "<na>", "n/a", "na", "nan"}
    | {"none", "null"}
)
"""What is written, in lower case, where a number is not known. In categories these are words: Namibia is NA."""

USUAL = frozenset({form(word) for word in NO_NUMBER for form in (str, str.upper)} | {"NaN", "None"})
"""The same as they are nearly always written."""

NUMBER = r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?"
"""A number as cells of numbers have it: no thousands separators, no blank inside, ASCII digits and signs."""

_NUMBER = re.compile(NUMBER)
_PLAIN = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?")
_QUOTES = "\"'“”„‟‘’‚‛«»"

Codes = NDArray[np.int32]
"""One index into a column's levels per row, -1 where the cell is missing."""


@dataclass(frozen=True)
class Levels:
    """A categorical column: codes into its levels, -1 where a cell is missing."""

    codes: Codes
    levels: tuple[str, ...]


@dataclass(frozen=True)
class CellCounts:
    """What stood in one column.

    Attributes:
        missing: cells in which, by the owner's words, nothing stands.
        unreadable: cells in which something stands that is no value of the column; no more of them than its schema allows.
    """

    missing: int = 0
    unreadable: int = 0

    @property
    def filled(self) -> int:
        """Cells that become the agreed mean, or the most frequent category."""
        return self.missing + self.unreadable

    def __add__(self, other: CellCounts) -> CellCounts:
        return CellCounts(self.missing + other.missing, self.unreadable + other.unreadable)


def level_of(cell: str) -> str | None:
    """A cell as the name of a level; None when nothing stands in it.

    It is text as written, letters composed (NFC), without the blanks and the one pair of quotation marks around it.
    Plain decimals are numbers, so 1, 1.0 and 1.00 are one level; with a leading zero, a plus or an exponent they are
    not plain: 01, 007 and 1E2 are what is written.
    """
    text = unquoted(normalised(cell))
    if _PLAIN.fullmatch(text):
        whole, _, fraction = text.partition(".")
        fraction = fraction.rstrip("0")
        text = f"{whole}.{fraction}" if fraction else whole
        return "0" if text == "-0" else text
    return text or None


def number_of(cell: str, decimal: str = ".") -> float | None:
    """A cell as a number, perhaps infinite; None when it is none."""
    text = unquoted(cell.strip(BLANKS))
    if decimal != ".":
        if "." in text:
            return None
        text = text.replace(decimal, ".")
    return float(text) if _NUMBER.fullmatch(text) else None


def unquoted(text: str) -> str:
    """A text without the one pair of quotation marks, and the blanks inside them, that it may stand in."""
    if len(text) > 1 and text[0] in _QUOTES and text[-1] in _QUOTES:
        inner = text[1:-1]
        if text[0] not in inner and text[-1] not in inner:
            return inner.strip(BLANKS)
    return text


def levels_of(codes: NDArray[Any], names: Sequence[str | None]) -> Levels:
    """Cells as a categorical column.

    Args:
        codes: one index into ``names`` per row, -1 where there is none.
        names: of the levels that distinct cells mean; None for those that mean nothing.
    """
    levels = tuple(natural_order(name for name in names if name is not None))
    return Levels(recoded(codes, names, levels), levels)


def recoded(codes: NDArray[Any], names: Sequence[str | None], levels: Sequence[str]) -> Codes:
    """Codes into ``names`` as codes into ``levels``; names that are no level become missing."""
    position = {level: index for index, level in enumerate(levels)}
    # The last entry serves code -1.
    lookup = [-1 if name is None else position.get(name, -1) for name in names]
    found: Codes = np.array([*lookup, -1], dtype=np.int32)[codes]
    return found
