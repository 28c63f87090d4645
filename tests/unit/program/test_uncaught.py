"""What nobody catches, and what libraries warn of, is logged by kind and place; what was said, which may quote a row, is not."""

from __future__ import annotations

import io
import sys
import threading
import warnings
from collections.abc import Callable

import pytest

from support.log_lines import Line, read_lines
from synergos.program.logs import LogTarget, configure_logging
from synergos.program.uncaught import log_what_nobody_catches

ROW = "patient 4711"


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[Line]]:
    """What this process has written to standard error, by then all of it lines of the log."""
    stderr = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stderr)
    for place, name in (
        (warnings, "showwarning"),
        (threading, "excepthook"),
        (sys, "excepthook"),
        (sys, "unraisablehook"),
    ):
        monkeypatch.setattr(place, name, getattr(place, name))
    configure_logging("worker_1", LogTarget())
    log_what_nobody_catches()

    def lines() -> list[Line]:
        assert ROW not in stderr.getvalue()
        return list(read_lines(stderr.getvalue()))

    return lines


def fail() -> None:
    raise ValueError(ROW)


def test_a_thread_that_fails(written: Callable[[], list[Line]]) -> None:
    thread = threading.Thread(target=fail, name="reading")
    thread.start()
    thread.join()

    [line] = written()
    assert (line.level, line.event) == ("error", "a thread has failed")
    assert (line.facts["error"], line.facts["thread"]) == ("ValueError", "reading")
    assert "test_uncaught.py" in line.facts["places"]


def test_a_library_that_warns(written: Callable[[], list[Line]]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        # What is set by name inside of this block is put back at its end.
        log_what_nobody_catches()
        warnings.warn(ROW, RuntimeWarning, stacklevel=1)

    [line] = written()
    assert (line.level, line.event, line.facts["warning"]) == ("warning", "a library warns", "RuntimeWarning")
    assert "test_uncaught.py" in line.facts["places"]


def test_a_program_that_fails(written: Callable[[], list[Line]]) -> None:
    try:
        fail()
    except ValueError as error:
        sys.excepthook(ValueError, error, error.__traceback__)

    [line] = written()
    assert (line.level, line.event, line.facts["error"]) == ("critical", "the program has failed", "ValueError")


class Unwilling:
    def __del__(self) -> None:
        fail()


def test_a_failure_that_cannot_be_raised(written: Callable[[], list[Line]]) -> None:
    held = [Unwilling()]
    held.clear()

    [line] = written()
    assert (line.event, line.facts["error"]) == ("a failure while something was put away", "ValueError")
