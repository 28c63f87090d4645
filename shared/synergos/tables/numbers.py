"""Cells as numbers, many at a time: what is missing and what is unreadable are two things."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from synergos.tables.cells import BLANKS, NO_NUMBER, NUMBER, USUAL, number_of
from synergos.tables.names import normalised
from synergos.tables.source import Cells

_USUAL = pa.array(sorted(USUAL), pa.string())
_NO_NUMBER = pa.array(sorted(NO_NUMBER), pa.string())
_COMMA = re.compile(r"[+-]?[0-9]+,[0-9]+")
_INFINITE = ("inf", "infinity")
_INFINITIES = {sign + word: float(sign + word) for word in _INFINITE for sign in ("", "+", "-")}


@dataclass(frozen=True)
class Words:
    """What its owner writes where a number is not known.

    Attributes:
        texts: words, and codes as they are written.
        codes: the same as numbers, where they are some: -999 is -999.0.
    """

    texts: frozenset[str] = frozenset()
    codes: tuple[float, ...] = ()

    @classmethod
    def of(cls, words: Iterable[str]) -> Words:
        """Words as a schema has them."""
        texts = frozenset(map(normalised, words))
        numbers = [number_of(text) for text in texts]
        return cls(texts, tuple(number for number in numbers if number is not None))


@dataclass(frozen=True)
class Numbers:
    """Cells of one column.

    Attributes:
        values: NaN where a cell is missing or unreadable; perhaps infinite.
        unreadable: whether something stands there that is no number.
        with_commas: how many of those would be numbers if a comma were the decimal mark.
    """

    values: NDArray[np.float64]
    unreadable: NDArray[np.bool_]
    with_commas: int = 0


def numbers_of(cells: Cells, words: Words, decimal: str) -> Numbers:
    """Cells, text or not, as numbers."""
    if pa.types.is_string(cells.type):
        found = _parsed(cells, words, decimal)
    else:
        found = Numbers(_values(pc.cast(cells, pa.float64(), safe=False)), np.zeros(len(cells), dtype=np.bool_))
    if words.codes:
        found.values[np.isin(found.values, words.codes)] = np.nan
    return found


def _parsed(cells: Cells, words: Words, decimal: str) -> Numbers:
    cells = pc.fill_null(cells, "")
    if decimal == ".":
        try:
            # Nearly always this is all there is to do.
            known = pc.if_else(pc.is_in(cells, value_set=_USUAL), None, cells)
            return Numbers(_values(pc.cast(known, pa.float64())), np.zeros(len(cells), dtype=np.bool_))
        except pa.ArrowInvalid:
            pass
    return _carefully(cells, words, decimal)


def _carefully(cells: Cells, words: Words, decimal: str) -> Numbers:
    text = pc.utf8_trim(cells, BLANKS)
    nothing = pc.is_in(pc.utf8_lower(text), value_set=_NO_NUMBER)
    if decimal != ".":
        # A point is no decimal mark then, and would become one.
        text = pc.if_else(pc.match_substring(text, "."), "?", pc.replace_substring(text, decimal, "."))
    is_plain = pc.and_not(pc.match_substring_regex(text, rf"\A(?:{NUMBER})\z"), nothing)
    values = _values(pc.cast(pc.if_else(is_plain, text, None), pa.float64()))
    others = np.flatnonzero(~(pc.or_(is_plain, nothing).to_numpy(zero_copy_only=False)))
    unreadable = np.zeros(len(cells), dtype=np.bool_)
    known: dict[str, float | None] = {}
    rest = cells.take(pa.array(others)).to_pylist()
    for row, cell in zip(others.tolist(), rest, strict=True):
        if cell not in known:
            known[cell] = _meaning(cell, words, decimal)
        value = known[cell]
        values[row] = np.nan if value is None else value
        unreadable[row] = value is None
    commas = {cell for cell, value in known.items() if value is None and _COMMA.fullmatch(cell.strip(BLANKS))}
    return Numbers(values, unreadable, sum(cell in commas for cell in rest))


def _meaning(cell: str, words: Words, decimal: str) -> float | None:
    """What an unusual cell means: NaN when it is missing, None when it is unreadable."""
    text = normalised(cell)
    if text in words.texts:
        return np.nan
    if text.lower() in _INFINITIES:
        return _INFINITIES[text.lower()]
    return number_of(cell, decimal)


def _values(numbers: Any) -> NDArray[np.float64]:
    values: NDArray[np.float64] = numbers.to_numpy(zero_copy_only=False)
    return values if values.flags.writeable else values.copy()
