"""Spans of time as people say them: ``30m``, ``12h``, ``90d``, ``4w``."""

from __future__ import annotations

import re
from datetime import timedelta

_UNITS = {
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}


def read_span(text: str, units: str) -> timedelta | None:
    """So many of a unit, at most 999,999; None where the text says something else.

    Args:
        units: the letters of those that there are: minutes, hours, days and weeks.
    """
    found = re.fullmatch(r"([0-9]{1,6})([a-z])", text)
    return None if found is None or found[2] not in units else int(found[1]) * _UNITS[found[2]]
