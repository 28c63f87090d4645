"""A log line says which failure it was and where, and neither data nor bodies nor passwords, whichever way it is logged."""

from __future__ import annotations

import io
import logging
import sys

import pytest
import structlog

from synergos.errors import GridError
from synergos.program.logs import LogTarget, configure_logging

PLANTED = "margarete-0815"


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What this process logs, with everything that can be logged."""
    stderr = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stderr)
    monkeypatch.setenv("SYNERGOS_PLANTED", PLANTED)
    configure_logging("ttp_0", LogTarget(), debug=True)
    return stderr


def fail(body: str) -> float:
    """What a library does with what it cannot handle: it quotes it."""
    statistics = {"minimum": body, "url": f"http://x/{body}"}
    return float(statistics["minimum"])


def in_turn(log: object, how: str) -> None:
    try:
        fail(PLANTED)
    except ValueError as error:
        match how, log:
            case "exception", _:
                log.exception("broken")  # type: ignore[attr-defined]
            case "error", _:
                log.error("broken", exc_info=error)  # type: ignore[attr-defined]


@pytest.mark.parametrize("how", ["exception", "error"])
@pytest.mark.parametrize("library", [False, True])
def test_an_unforeseen_failure_tells_its_kind_and_place(how: str, library: bool, logged: io.StringIO) -> None:
    in_turn(logging.getLogger("library") if library else structlog.get_logger("ours"), how)

    line = logged.getvalue()
    assert PLANTED not in line
    assert "ValueError" in line
    assert "test_failures.py" in line
    assert "fail" in line


def test_our_own_errors_keep_their_words(logged: io.StringIO) -> None:
    try:
        raise GridError("gave no answer", "hospital_2")
    except GridError as error:
        structlog.get_logger("ours").error("broken", exc_info=error)

    assert "hospital_2: gave no answer" in logged.getvalue()


@pytest.mark.usefixtures("logged")
def test_what_goes_to_graylog_has_no_traceback_either() -> None:
    seen: list[logging.LogRecord] = []

    class Keeping(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            seen.append(record)

    handler = Keeping()
    for each in logging.getLogger().handlers[0].filters:
        handler.addFilter(each)
    logging.getLogger().addHandler(handler)

    in_turn(logging.getLogger("library"), "exception")

    assert seen[0].exc_info is None
    assert PLANTED not in str(seen[0].__dict__)
