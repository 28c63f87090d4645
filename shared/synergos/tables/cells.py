"""Cells of a csv file as numbers or as levels: what people type in spreadsheets, made uniform."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from synergos.domain.natural_order import natural_order

_EDGES = " \t\r\n\u00a0\ufeff\"'“”„‟‘’‚‛«»"
_MISSING = frozenset({"", "#n/a", "<na>", "n/a", "na", "nan", "none", "null"})
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
_INTEGER = re.compile(r"[+-]?\d{1,300}", re.ASCII)
_LARGEST_EXACT = 2.0**53

Codes = NDArray[np.int32]
"""One index into a column's levels per row, -1 where the cell is missing."""


@dataclass(frozen=True)
class Levels:
    """A categorical column: codes into its levels, -1 where a cell is missing."""

    codes: Codes
    levels: tuple[str, ...]


def canonical(cell: str) -> str | None:
    """A cell as the name of a level; None when it is missing.

    Blanks and quotation marks around it are stripped, and a number is written in its shortest form.
    """
    text = cell.strip(_EDGES)
    if text.lower() in _MISSING:
        return None
    if _INTEGER.fullmatch(text):
        return str(int(text))
    return _shortest(text) if _NUMBER.fullmatch(text) else text


def as_levels(column: pd.Series[Any]) -> tuple[Codes, tuple[str, ...]]:
    """A column's cells as codes, and the levels they stand for."""
    # Only the distinct cells are looked at one by one.
    raw_codes, distinct = pd.factorize(column)
    names = [canonical(str(cell)) for cell in distinct]
    levels = tuple(natural_order(name for name in names if name is not None))
    return recoded(raw_codes, names, levels), levels


def as_numbers(codes: Codes, levels: Sequence[str]) -> NDArray[np.float64]:
    """Coded cells as numbers; what is none, or not finite, is missing (NaN)."""
    # The last entry serves code -1.
    lookup = np.array([*(float(level) if _NUMBER.fullmatch(level) else np.nan for level in levels), np.nan])
    lookup[~np.isfinite(lookup)] = np.nan
    numbers: NDArray[np.float64] = lookup[codes]
    return numbers


def recoded(codes: NDArray[Any], names: Sequence[str | None], levels: Sequence[str]) -> Codes:
    """Codes into ``names`` as codes into ``levels``; names that are no level become missing."""
    position = {level: index for index, level in enumerate(levels)}
    # The last entry serves code -1.
    lookup = [-1 if name is None else position.get(name, -1) for name in names]
    found: Codes = np.array([*lookup, -1], dtype=np.int32)[codes]
    return found


def _shortest(text: str) -> str:
    number = float(text)
    if not math.isfinite(number):
        return text
    return str(int(number)) if number.is_integer() and abs(number) < _LARGEST_EXACT else repr(number)
