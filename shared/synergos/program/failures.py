"""Failures in the log: what kind and where, never a local variable, and no words but our own.

Libraries quote the data they could not handle in what their errors say, and frames hold whole bodies.
"""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Mapping

from structlog.typing import EventDict

from synergos.errors import SynergosError


def facts_of(error: BaseException) -> Mapping[str, object]:
    """What a log line says of a failure.

    Returns:
        ``error``, its kind; ``places``, where it went through, outermost first; ``reason``, what it says, of our own errors only.
    """
    frames = traceback.extract_tb(error.__traceback__)
    facts: dict[str, object] = {"error": type(error).__name__}
    if isinstance(error, SynergosError):
        facts["reason"] = str(error)
    return {**facts, "places": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]}


def without_tracebacks(_logger: object, _method: str, event: EventDict) -> EventDict:
    """A structlog processor: these facts in the place of ``exc_info``."""
    error = _error_of(event.pop("exc_info", None))
    if error is not None:
        for name, fact in facts_of(error).items():
            event.setdefault(name, fact)
    return event


class WithoutTracebacks(logging.Filter):
    """The same for libraries that log by :mod:`logging`: handlers of others print what a record carries."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record pass, with facts in the place of its traceback."""
        error = _error_of(record.exc_info)
        record.exc_info = record.exc_text = record.stack_info = None
        if error is not None:
            for name, fact in facts_of(error).items():
                record.__dict__.setdefault(name, fact)
        return True


def _error_of(given: object) -> BaseException | None:
    """The error of an ``exc_info``, in whichever form it comes."""
    match given:
        case BaseException():
            return given
        case (_, BaseException() as error, _):
            return error
        case True:
            return sys.exception()
        case _:
            return None
