"""A span: something that is over."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from synergos.domain.trace_context import TraceContext

Attribute = str | int | float | bool
"""Ids, sizes, seconds and outcomes: never an address, nothing of a dataset."""


class Kind(StrEnum):
    """What a span is to the one that it is part of."""

    INTERNAL = "internal"
    CLIENT = "client"
    """Something that another program is asked for."""
    SERVER = "server"
    """The answer to that."""
    PRODUCER = "producer"
    CONSUMER = "consumer"


@dataclass(frozen=True, slots=True)
class Span:
    """Something that was done.

    Attributes:
        parent: the id of the span that it is part of, which is of the same trace; None for the first of a trace.
        start: nanoseconds since 1970, as ``end``.
        failure: what kind of failure it ended with, in a word; None for none.
    """

    name: str
    context: TraceContext
    parent: str | None
    start: int
    end: int
    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    kind: Kind = Kind.INTERNAL
    failure: str | None = None


def now() -> int:
    """The time as spans have it."""
    return time.time_ns()


def new_span_id() -> str:
    """An id that no other span has."""
    return secrets.token_hex(8)
