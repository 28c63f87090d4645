"""The beginning of a request, looked at before anybody works on it: whether all of it is there, and what it will need.

This decides when a request is handed to a thread and to which, never what it means: gunicorn reads it anew. What cannot be a
request is handed on as it is, to be refused in gunicorn's words.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto

LONGEST_HEAD = 2**15
SMALL_BODY = 2**15
"""Bytes of a body that is waited for before a thread is needed."""

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
    line = bytes(data[: data.find(b"\r\n")])
    length, is_long = None, False
    for name, value in _FIELD.findall(data, 0, end + 2):
        number = value.rstrip()
        if len(name) == len("content-length") and length is None and number.isdigit() and len(number) < 20:
            length = int(number)
        else:
            # A body in chunks, one that is to be asked for, or a length that is none.
            is_long = True
    length = length or 0
    if is_long or length > SMALL_BODY:
        return Arrival(Arrived.BEFORE_LONG_BODY, line, None if is_long else length)
    is_whole = len(data) - end - len(_END) >= length
    return Arrival(Arrived.ALL if is_whole else Arrived.PART_OF_BODY, line)
