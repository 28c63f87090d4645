"""Writes the log server's content pack: five inputs, four streams, and a dashboard with a tab for each stream.

    python docker/logger/content_pack.py

It is written anew after a change here, and read by Graylog 7 when it starts for the first time (docs/observability.md). Ids are made of
names, so that the same pack is written each time.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

PACK = Path(__file__).with_name("content_packs") / "synergos.json"
HOME = "https://github.com/aimakerspace/synergos"
REVISION = 1
"""To be raised with every change: Graylog installs a revision once."""
_WRITTEN = "2026-11-26T00:00:00.000Z"
_MINUTES_5 = {"type": "relative", "range": 300}
_EVERYTHING = {"type": "elasticsearch", "query_string": ""}
_WIDE = 12
"""Columns of a page."""

Json = dict[str, Any]


@dataclass(frozen=True)
class Kind:
    """One kind of messages.

    Attributes:
        name: as titles have it.
        port: of its input.
        prefix: what the logger of such a message begins with; None where it may be any.
    """

    name: str
    port: int
    prefix: str | None


SYSTEM_METRICS = Kind("Sysmetrics", 9100, "SYS_")
DIRECTOR, TTP, WORKER = Kind("Director", 9200, "DIR_"), Kind("TTP", 9300, "TTP_"), Kind("Worker", 9400, "WKR_")
STREAMS = (SYSTEM_METRICS, DIRECTOR, TTP, WORKER)
INPUTS = (*STREAMS, Kind("Test", 12201, None))


@dataclass(frozen=True)
class Widget:
    """A picture of what a stream has.

    Attributes:
        visualization: ``pie``, ``bar``, ``line``; ``messages`` for a list of them.
        series: what is counted or measured: a function and its field, as Graylog spells it.
        over_time: whether along the time, or else by logger.
        height: in rows of the page.
        width: in twelfths of the page.
        fields: of a list.
    """

    title: str
    visualization: str
    series: Sequence[str] = ()
    over_time: bool = True
    height: int = 4
    width: int = _WIDE // 2
    fields: Sequence[str] = ()


_LISTED = ("timestamp", "source", "gl2_remote_ip", "gl2_remote_port", "logger", "level_name")
_OF_JOBS = ("job_id", "run_id")
_OF_ROUNDS = ("participant", "round")


def _of_messages(kind: Kind, *fields: str) -> list[Widget]:
    """What there is of every stream: who writes, how much, and what."""
    return [
        Widget(f"{kind.name} Message Sources", "pie", ["count()"], over_time=False),
        Widget(f"{kind.name} Message Count", "bar", ["count()"]),
        Widget(f"{kind.name} Message Table", "messages", fields=(*_LISTED, *fields), height=8, width=_WIDE),
    ]


def _averages(*fields: str) -> list[str]:
    return [f"avg({field})" for field in fields]


_MEASURED = [
    Widget("Processor Use (%)", "line", _averages("cpu_percent"), width=_WIDE),
    Widget(
        "Memory (bytes)",
        "bar",
        _averages("memory_total", "memory_used", "memory_available", "memory_free"),
        over_time=False,
    ),
    Widget("Disk Operations (a second)", "line", _averages("disk_reads_per_second", "disk_writes_per_second")),
    Widget(
        "Disk Traffic (bytes a second)", "line", _averages("disk_read_bytes_per_second", "disk_write_bytes_per_second")
    ),
    Widget(
        "Network Packets (a second)", "line", _averages("net_packets_recv_per_second", "net_packets_sent_per_second")
    ),
    Widget(
        "Network Traffic (bytes a second)", "line", _averages("net_bytes_recv_per_second", "net_bytes_sent_per_second")
    ),
    Widget("Memory of Programs (bytes)", "line", _averages("process_memory")),
    Widget("Processor Use of Programs (% of a core)", "line", _averages("process_cpu_percent")),
]

TABS: Sequence[tuple[Kind, Sequence[Widget]]] = (
    (DIRECTOR, _of_messages(DIRECTOR, *_OF_JOBS)),
    (TTP, _of_messages(TTP, *_OF_JOBS, *_OF_ROUNDS)),
    (WORKER, _of_messages(WORKER, *_OF_JOBS, *_OF_ROUNDS)),
    (SYSTEM_METRICS, [*_MEASURED, *_of_messages(SYSTEM_METRICS)]),
)


def content_pack() -> Json:
    """The pack as Graylog reads it."""
    return {
        "v": "1",
        "id": _id("pack"),
        "rev": REVISION,
        "name": "Synergos Logs",
        "summary": "Inputs, streams and a dashboard for a grid's logs and system metrics",
        "description": "What the director, the TTPs and the workers of a Synergos grid log, and how their machines are.",
        "vendor": "AI Singapore",
        "url": HOME,
        "parameters": [],
        "entities": [*map(_input, INPUTS), *map(_stream, STREAMS), _dashboard()],
    }


def _id(*names: str) -> str:
    return str(uuid5(NAMESPACE_URL, "/".join((HOME, "content_pack", *names))))


def _entity(kind: str, version: str, name: str, data: Json) -> Json:
    return {
        "v": "1",
        "type": {"name": kind, "version": version},
        "id": _id(kind, name),
        "data": data,
        "constraints": [{"type": "server-version", "version": ">=7.0.0"}],
    }


def _value(value: str | bool | int) -> Json:
    kind = {str: "string", bool: "boolean", int: "integer"}[type(value)]
    return {"@type": kind, "@value": value}


def _values(values: Mapping[str, str | bool | int]) -> Json:
    return {name: _value(value) for name, value in values.items()}


def _input(kind: Kind) -> Json:
    settings: dict[str, str | bool | int] = {
        "bind_address": "0.0.0.0",  # noqa: S104 - in a container, whose network is its own
        "port": kind.port,
        "use_null_delimiter": True,
        "max_message_size": 2 * 2**20,
        "decompress_size_limit": 8 * 2**20,
        "recv_buffer_size": 2**20,
        "number_worker_threads": 4,
        "tcp_keepalive": True,
        "tls_enable": False,
        "tls_client_auth": "disabled",
    }
    data = {
        "title": _value(f"{kind.name} Logs"),
        "type": _value("org.graylog2.inputs.gelf.tcp.GELFTCPInput"),
        "global": _value(value=True),
        "configuration": _values(settings),
        "static_fields": {},
        "extractors": [],
    }
    return _entity("input", "1", kind.name, data)


def _stream(kind: Kind) -> Json:
    rule = _values(
        # At the beginning: a program may be called by another one's prefix.
        {"type": "REGEX", "field": "logger", "value": f"^{kind.prefix}", "inverted": False, "description": ""}
    )
    data = {
        **_values(
            {
                "title": f"{kind.name} Stream",
                "description": f"What comes from a logger that begins with {kind.prefix}",
                "disabled": False,
                "matching_type": "AND",
                "default_stream": False,
                "remove_matches": False,
            }
        ),
        "stream_rules": [rule],
        "alert_conditions": [],
        "alarm_callbacks": [],
        "outputs": [],
    }
    return _entity("stream", "1", kind.name, data)


def _dashboard() -> Json:
    queries = {_id("query", kind.name): (kind, widgets) for kind, widgets in TABS}
    data = {
        "type": "DASHBOARD",
        **_values(
            {
                "title": "Synergos Dashboard",
                "summary": "What a grid's programs log, and how their machines are",
                "description": "A tab for the director, the TTPs, the workers, and the machines.",
            }
        ),
        "search": {
            "queries": [_query(query, kind, widgets) for query, (kind, widgets) in queries.items()],
            "parameters": [],
            "requires": {},
            "created_at": _WRITTEN,
        },
        "state": {query: _tab(kind, widgets) for query, (kind, widgets) in queries.items()},
        "properties": [],
        "requires": {},
        "created_at": _WRITTEN,
    }
    return _entity("dashboard", "2", "Synergos", data)


def _query(query: str, kind: Kind, widgets: Sequence[Widget]) -> Json:
    return {
        "id": query,
        "timerange": _MINUTES_5,
        "filters": [],
        "query": _EVERYTHING,
        "search_types": [_search_type(kind, widget) for widget in widgets],
    }


def _search_type(kind: Kind, widget: Widget) -> Json:
    common = {
        "id": _id("search", kind.name, widget.title),
        "name": "chart",
        "query": _EVERYTHING,
        "timerange": _MINUTES_5,
        "streams": [_id("stream", kind.name)],
        "filter": None,
        "filters": [],
    }
    if widget.visualization == "messages":
        newest_first = [{"field": "timestamp", "order": "DESC"}]
        return {**common, "type": "messages", "limit": 150, "offset": 0, "sort": newest_first, "decorators": []}
    by_time = {"type": "time", "fields": ["timestamp"], "interval": {"type": "auto", "scaling": 1.0}}
    by_logger = {"type": "values", "fields": ["logger"], "limit": 15}
    return {
        **common,
        "type": "pivot",
        "series": [_series(function) for function in widget.series],
        "row_groups": [by_time if widget.over_time else by_logger],
        "column_groups": [by_logger] if widget.over_time else [],
        "sort": [],
        "rollup": not widget.over_time,
        "row_limit": None,
        "column_limit": None,
    }


def _series(function: str) -> Json:
    name, _, field = function.rstrip(")").partition("(")
    return {"type": name, "id": function, "field": field or None}


def _tab(kind: Kind, widgets: Sequence[Widget]) -> Json:
    ids = {widget.title: _id("widget", kind.name, widget.title) for widget in widgets}
    return {
        "selected_fields": None,
        "static_message_list_id": None,
        "titles": {"tab": {"title": f"{kind.name} Analysis"}, "widget": {ids[title]: title for title in ids}},
        "widgets": [_widget(ids[widget.title], kind, widget) for widget in widgets],
        "widget_mapping": {ids[widget.title]: [_id("search", kind.name, widget.title)] for widget in widgets},
        "positions": _positions(ids, widgets),
        "formatting": {"highlighting": []},
        "display_mode_settings": {"positions": {}},
    }


def _widget(widget_id: str, kind: Kind, widget: Widget) -> Json:
    is_list = widget.visualization == "messages"
    return {
        "id": widget_id,
        "type": "messages" if is_list else "aggregation",
        "filter": None,
        "filters": [],
        "timerange": _MINUTES_5,
        "query": _EVERYTHING,
        "streams": [_id("stream", kind.name)],
        "config": _list_settings(widget) if is_list else _picture_settings(widget),
    }


def _list_settings(widget: Widget) -> Json:
    return {
        "fields": list(widget.fields),
        "show_message_row": True,
        "show_summary": False,
        "decorators": [],
        "sort": [{"type": "pivot", "field": "timestamp", "direction": "Descending"}],
    }


def _picture_settings(widget: Widget) -> Json:
    by_time = {"type": "time", "fields": ["timestamp"], "config": {"interval": {"type": "auto", "scaling": 1.0}}}
    by_logger = {"type": "values", "fields": ["logger"], "config": {"limit": 15}}
    looks = {
        "pie": None,
        "bar": {"barmode": "stack" if widget.over_time else "group", "axis_type": "linear"},
        "line": {"interpolation": "linear", "axis_type": "linear"},
    }
    return {
        "visualization": widget.visualization,
        "visualization_config": looks[widget.visualization],
        "series": [{"function": function, "config": {"name": None}} for function in widget.series],
        "row_pivots": [by_time if widget.over_time else by_logger],
        "column_pivots": [by_logger] if widget.over_time else [],
        "sort": [],
        "rollup": not widget.over_time,
        "row_limit": None,
        "column_limit": None,
        "event_annotation": False,
        "formatting_settings": None,
    }


def _positions(ids: Mapping[str, str], widgets: Sequence[Widget]) -> Json:
    """From left to right and from top to bottom, as they fit."""
    found, column, row, tallest = {}, 1, 1, 0
    for widget in widgets:
        if column + widget.width - 1 > _WIDE:
            column, row, tallest = 1, row + tallest, 0
        found[ids[widget.title]] = {"col": column, "row": row, "height": widget.height, "width": widget.width}
        column, tallest = column + widget.width, max(tallest, widget.height)
    return found


if __name__ == "__main__":
    PACK.write_text(json.dumps(content_pack(), indent=1) + "\n", encoding="utf-8")
