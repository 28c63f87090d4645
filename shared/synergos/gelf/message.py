"""A log record as one GELF 1.1 message (https://go2docs.graylog.org/current/getting_in_log_data/gelf.html)."""

from __future__ import annotations

import json
import logging
import math
import re
import socket
import time
from collections.abc import Mapping
from datetime import datetime
from logging.handlers import SysLogHandler

_SYSLOG_LEVELS = SysLogHandler.priority_names
_PYTHON_LEVELS = {name.lower(): number for name, number in logging.getLevelNamesMapping().items()}
_LONGEST_TEXT = 8_000
"""Letters of one field: a search engine's limit for a term is 32,766 bytes, and a letter has four at most."""
_MOST_FIELDS = 200
_LONGEST_NAME = 100
_LARGEST = 120_000
"""Bytes of a message: 128 datagrams hold some more of one that cannot be packed."""
_SHORT_TEXT = 60
"""Letters of a field of a message that would be larger: six bytes each, as many fields as there may be, and their names."""
_OF_THE_RECEIVER = frozenset({"host", "message", "source", "short_message", "full_message", "version"})
"""Names that Graylog has facts of its own for; what is sent by them as well, it leaves out."""
_RENAMED = {
    "id": "component_id",
    "filename": "file",
    "lineno": "line",
    "func_name": "function",
    "process": "pid",
    **{name: f"fact_{name}" for name in _OF_THE_RECEIVER},
}
"""``_id`` is the search engine's own; of what called the log, these are the names that dashboards know."""
_NOT_IN_NAMES = re.compile(r"[^\w.\-]")
HOST = socket.gethostname()
"""What this machine calls itself."""


def message(event: Mapping[str, object], logger: str, host: str = HOST) -> str:
    """One message, without the null byte that ends it on a stream.

    Args:
        event: what is logged under ``event``, its level under ``level``, when it was, as ISO 8601 has it, under ``timestamp`` (now, if
            it does not say), and its facts by their names.
        logger: what streams are told apart by, such as ``TTP_ttp_0``.
        host: what the machine is called.
    """
    level = str(event.get("level", "info"))
    facts = {name: value for name, value in event.items() if value is not None}
    facts |= {"logger": logger, "level_number": _PYTHON_LEVELS.get(level, logging.INFO), "level_name": level.upper()}
    if "logger" in event:
        facts["module"] = event["logger"]
    fields = dict(_field(name, value) for name, value in list(facts.items())[-_MOST_FIELDS:])
    known = {
        "version": "1.1",
        "host": host,
        "short_message": _cut(f"[{logger}] {event.get('event', '')}"),
        "timestamp": round(_moment(event.get("timestamp")), 3),
        "level": _SYSLOG_LEVELS.get(level, SysLogHandler.LOG_INFO),
    }
    text = _json(known | fields)
    if len(text) * 4 > _LARGEST and len(text.encode()) > _LARGEST:
        cut = {name: _cut(value, _SHORT_TEXT) if isinstance(value, str) else value for name, value in fields.items()}
        return _json(known | {"short_message": _cut(str(known["short_message"]), _SHORT_TEXT)} | cut)
    return text


def _moment(told: object) -> float:
    """In seconds since 1970."""
    try:
        return datetime.fromisoformat(told).timestamp() if isinstance(told, str) else time.time()
    except ValueError:
        return time.time()


def _json(fields: Mapping[str, object]) -> str:
    return json.dumps(fields, ensure_ascii=False, allow_nan=False)


def _field(name: str, value: object) -> tuple[str, str | int | float]:
    """A fact by the name that it is sent by.

    A field is of one type for good, that of its first value in a search engine's index: what has parts, and a number that the
    engine does not know, are text by other names.
    """
    told, field = _value(value), f"_{_name(name)}"
    if isinstance(value, Mapping | list | tuple):
        return f"{field}_json", told
    is_lost = isinstance(value, int | float) and not isinstance(value, bool) and isinstance(told, str)
    return f"{field}_text" if is_lost else field, told


def _name(name: str) -> str:
    return _RENAMED.get(name) or _NOT_IN_NAMES.sub("_", name)[:_LONGEST_NAME]


def _value(value: object) -> str | int | float:
    """What GELF knows: text and numbers; whatever has parts is written as JSON."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int) and abs(value) < 2**63:
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    if isinstance(value, str):
        return _cut(value)
    if isinstance(value, Mapping | list | tuple):
        return _cut(json.dumps(value, ensure_ascii=False, default=str))
    return _cut(str(value))


def _cut(text: str, longest: int = _LONGEST_TEXT) -> str:
    text = text if len(text) <= longest else text[: longest - 1] + "…"
    # Not half a character: a lone surrogate is none in UTF-8.
    return text.encode("utf-8", "replace").decode()
