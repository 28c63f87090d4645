"""The beginning of a request, looked at before anybody works on it: whether all of it is there, and what it will need.

This decides when a request is handed to a thread and to which, never what it means: gunicorn reads it anew. What cannot be a
request is handed on as it is, to be refused in gunicorn's words.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto
from functools import lru_cache

LONGEST_HEAD = 2**15
SMALL_BODY = 2**15
"""Bytes of a body that is waited for before a thread is needed."""

_USUAL_FIELDS = 2**10
_USUAL_HEAD = 2**13
_END = b"\r\n\r\n"
_FIELD = re.compile(rb"\r\n(content-length|transfer-encoding|expect)[ \t]*:[ \t]*([^\r\n]*)", re.IGNORECASE)


class Arrived(Enum):
    """How much of a request is there."""

    PART_OF_HEAD = auto()
    PART_OF_BODY = auto()
    ALL = auto()
    BEFORE_LONG_BODY = auto()
    """Its head, and its body takes a thread that reads it."""
    ENDLESS_HEAD = auto()


@dataclass(frozen=True, slots=True)
class Arrival:
    """What is there of a request.

    Attributes:
        line: its method and target, None as long as they may not be complete.
        length: bytes of a long body, None when it does not say.
    """

    arrived: Arrived
    line: bytes | None = None
    length: int | None = None


_PART_OF_HEAD = Arrival(Arrived.PART_OF_HEAD)
_ENDLESS = Arrival(Arrived.ENDLESS_HEAD)
_WRONG = Arrival(Arrived.ALL)


def arrival(data: bytes | bytearray) -> Arrival:
    """What is there of the request that begins with these bytes."""
    end = data.find(_END)
    if end < 0:
        if data.count(b"\n") != data.count(b"\r\n"):
            return _WRONG
        return _PART_OF_HEAD if len(data) <= LONGEST_HEAD else _ENDLESS
    if end > LONGEST_HEAD:
        return _ENDLESS
    first = data.find(b"\r\n")
    line, fields = bytes(data[:first]), bytes(data[first : end + 2])
    length = _body_of_usual(fields) if len(fields) <= _USUAL_FIELDS else _body_of(fields)
    if length is None or length > SMALL_BODY:
        return Arrival(Arrived.BEFORE_LONG_BODY, line, length)
    is_whole = len(data) - end - len(_END) >= length
    return Arrival(Arrived.ALL if is_whole else Arrived.PART_OF_BODY, line)


def is_short_head(data: bytes | bytearray) -> bool:
    """Whether this is a request of a head alone, which is not long, and nothing that came behind it."""
    return len(data) <= _USUAL_HEAD and data.find(_END) == len(data) - len(_END)


def _body_of(fields: bytes) -> int | None:
    """How long a body is by these header fields; None when it is to be asked for, comes in chunks, or they make no sense."""
    length = None
    for name, value in _FIELD.findall(fields):
        number = value.rstrip()
        if len(name) != len("content-length") or length is not None or not number.isdigit() or len(number) >= 20:
            return None
        length = int(number)
    return length or 0


# The requests of a round have the same fields, and are many.
_body_of_usual = lru_cache(maxsize=64)(_body_of)
