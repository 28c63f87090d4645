"""For how long something holds, as it is said on a command line."""

from __future__ import annotations

from datetime import timedelta

from synergos.errors import InvalidRequest
from synergos.time_spans import read_span


def read_life(text: str, field: str) -> timedelta:
    """So many minutes, hours, days or weeks.

    Raises:
        InvalidRequest: it says something else, or none at all.
    """
    found = read_span(text, "mhdw")
    if not found:
        raise InvalidRequest(
            f"expected minutes, hours, days or weeks, as 30m, 12h, 90d or 4w; got {text[:80]!r}", field
        )
    return found
