"""What nobody catches, and what libraries warn of, in the log like everything else: what kind and where, never in their words.

Python would write both to standard error as it is, with values that a library quotes, and paths.
"""

from __future__ import annotations

import sys
import threading
import warnings
from typing import TextIO

import structlog

log = structlog.get_logger(__name__)


def log_what_nobody_catches() -> None:
    """Have this process, and those it makes, log it from now on."""
    warnings.showwarning = _warned
    threading.excepthook = _thread_failed
    sys.excepthook = _program_failed
    sys.unraisablehook = _not_raised


def _warned(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    log.warning("a library warns", warning=category.__name__, places=[f"{filename}:{lineno}"])


def _thread_failed(failure: threading.ExceptHookArgs) -> None:
    if failure.exc_value is not None and not isinstance(failure.exc_value, SystemExit):
        log.error("a thread has failed", thread=failure.thread and failure.thread.name, exc_info=failure.exc_value)


def _program_failed(_kind: type[BaseException], error: BaseException, _traceback: object) -> None:
    log.critical("the program has failed", exc_info=error)


def _not_raised(failure: sys.UnraisableHookArgs) -> None:
    if failure.exc_value is not None:
        log.error("a failure while something was put away", exc_info=failure.exc_value)
