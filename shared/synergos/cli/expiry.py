"""For how long something holds, as it is said on a command line."""

from __future__ import annotations

import re
from datetime import timedelta

from synergos.errors import InvalidRequest

_UNITS = {
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}


def read_life(text: str, field: str) -> timedelta:
    """So many minutes, hours, days or weeks.

    Raises:
        InvalidRequest: it says something else.
    """
    found = re.fullmatch(r"([1-9][0-9]{0,5})([mhdw])", text)
    if found is None:
        raise InvalidRequest(
            f"expected minutes, hours, days or weeks, as 30m, 12h, 90d or 4w; got {text[:80]!r}", field
        )
    return int(found[1]) * _UNITS[found[2]]
