"""A log record as one GELF 1.1 message (https://go2docs.graylog.org/current/getting_in_log_data/gelf.html)."""

from __future__ import annotations

import json
import logging
import math
import re
import socket
import time
from collections.abc import Mapping
from logging.handlers import SysLogHandler

_SYSLOG_LEVELS = SysLogHandler.priority_names
_PYTHON_LEVELS = {name.lower(): number for name, number in logging.getLevelNamesMapping().items()}
_LONGEST_TEXT = 8_000
"""Letters of one field: a search engine's limit for a term is 32,766 bytes, and a letter has four at most."""
_MOST_FIELDS = 200
_NOT_IN_NAMES = re.compile(r"[^\w.\-]")
_HOST = socket.gethostname()


def message(event: Mapping[str, object], logger: str) -> str:
    """One message, without the null byte that ends it on a stream.

    Args:
        event: what is logged under ``event``, its level under ``level``, and its facts by their names.
        logger: what streams are told apart by, such as ``TTP_ttp_0``.
    """
    level = str(event.get("level", "info"))
    facts = {name: value for name, value in event.items() if value is not None}
    facts |= {"logger": logger, "level_number": _PYTHON_LEVELS.get(level, logging.INFO), "level_name": level.upper()}
    if "logger" in event:
        facts["module"] = event["logger"]
    fields = {f"_{_name(name)}": _value(value) for name, value in list(facts.items())[-_MOST_FIELDS:]}
    known = {
        "version": "1.1",
        "host": _HOST,
        "short_message": _cut(f"[{logger}] {event.get('event', '')}"),
        "timestamp": round(time.time(), 3),
        "level": _SYSLOG_LEVELS.get(level, SysLogHandler.LOG_INFO),
    }
    return json.dumps(known | fields, ensure_ascii=False, allow_nan=False)


def _name(name: str) -> str:
    """The name of a field; ``_id`` is the search engine's own, so that a program's is its component."""
    return "component_id" if name == "id" else _NOT_IN_NAMES.sub("_", name)


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


def _cut(text: str) -> str:
    text = text if len(text) <= _LONGEST_TEXT else text[: _LONGEST_TEXT - 1] + "…"
    # Not half a character: a lone surrogate is none in UTF-8.
    return text.encode("utf-8", "replace").decode()
