"""Which fields a dashboard names, and which of them have to be numbers."""

from __future__ import annotations

from support.content_packs import AggregationWidget, ListingWidget, MessageList, Pivot

OF_GRAYLOG = frozenset({"timestamp", "source", "message", "gl2_remote_ip", "gl2_remote_port"})
"""What Graylog adds to every message."""

Shown = AggregationWidget | ListingWidget | Pivot | MessageList


def named(shown: Shown) -> set[str]:
    """All fields that a widget or its search names, but for Graylog's own."""
    found = set(measured(shown))
    match shown:
        case AggregationWidget():
            found |= {
                field for group in (*shown.config.row_pivots, *shown.config.column_pivots) for field in group.fields
            }
        case Pivot():
            found |= {field for group in (*shown.row_groups, *shown.column_groups) for field in group.fields}
        case ListingWidget():
            found |= {*shown.config.fields, *(sort.field for sort in shown.config.sort)}
        case MessageList():
            found |= {sort.field for sort in shown.sort}
    return found - OF_GRAYLOG


def measured(shown: Shown) -> set[str]:
    """The fields that it computes with."""
    match shown:
        case AggregationWidget():
            functions = (series.function.rstrip(")").partition("(") for series in shown.config.series)
            return {field for _, _, field in functions if field}
        case Pivot():
            return {series.field for series in shown.series if series.field}
        case _:
            return set()
