"""Numbers that stand in for cells nobody knows, as 999999 or -1 do: suspected, for a column's owner to judge."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum

from synergos.tables.cells import number_of

_CODE = re.compile(r"-?9{2,}|-[19]")
_LEAST_ROWS = 2


class End(StrEnum):
    """Where in a column's range such a number stands."""

    LEAST = "least"
    GREATEST = "greatest"


def suspected_stand_ins(cells: Mapping[str, int], decimal: str = ".") -> dict[End, int]:
    """Which ends of a column's numbers look like codes for nothing: nines, or a -1, that stand apart from all others.

    Args:
        cells: how often each distinct cell is there.
        decimal: the decimal mark of numbers.

    Returns:
        Number of rows by end. No number is given: it is a participant's.
    """
    rows: dict[float, int] = {}
    for cell, count in cells.items():
        if (value := number_of(cell, decimal)) is not None:
            rows[value] = rows.get(value, 0) + count
    ends = {End.LEAST: min(rows, default=0.0), End.GREATEST: max(rows, default=0.0)}
    return {end: rows[value] for end, value in ends.items() if _stands_in(value, rows)}


def _stands_in(value: float, rows: Mapping[float, int]) -> bool:
    others = [other for other in rows if other != value]
    if len(others) < _LEAST_ROWS or rows[value] < _LEAST_ROWS or not _is_code(value):
        return False
    least, greatest = min(others), max(others)
    if value < 0:
        # Below what is never negative, however near.
        return least >= 0
    return value > greatest + (greatest - least)


def _is_code(value: float) -> bool:
    return value.is_integer() and _CODE.fullmatch(str(int(value))) is not None
