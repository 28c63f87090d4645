"""Dates as numbers: days since 1970-01-01, with a fraction for the time of day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = timedelta(days=1)


def days(text: str, written: str | None = None) -> float | None:
    """A date as a number; None when it is none. Without a time zone it is taken for UTC.

    Args:
        written: how it is written, as :meth:`datetime.strptime` has it; as ISO 8601 has it when None.
    """
    try:
        found = datetime.fromisoformat(text) if written is None else datetime.strptime(text, written)  # noqa: DTZ007
        moment = found if found.tzinfo else found.replace(tzinfo=UTC)
        return (moment - _EPOCH) / _DAY
    except (ValueError, OverflowError):
        return None
