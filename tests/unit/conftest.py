"""Keeps unit tests what they are: they stay in this process, open no port and never sleep.

What needs any of that belongs to ``tests/integration``. Who waits for another thread waits for its event, or looks with
:func:`support.waiting.until` where there is none. What fixtures need they import themselves, as in ``tests/conftest.py``.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

FORBIDDEN = {
    "os.fork": "forks",
    "os.forkpty": "forks",
    "os.posix_spawn": "starts a program",
    "os.system": "starts a program",
    "socket.bind": "opens a port",
    "socket.connect": "connects to a port",
    "subprocess.Popen": "starts a program",
    "time.sleep": "sleeps",
}
"""Python's audit events that a unit test may not raise, in any thread; it knows none for sleeping before 3.13."""


class Guard:
    """Refuses what is forbidden while a unit test runs, and remembers it: a thread may keep the refusal to itself."""

    def __init__(self) -> None:
        self.is_on = False
        self.seen: list[str] = []

    def __call__(self, event: str, arguments: tuple[object, ...]) -> None:
        if self.is_on and event in FORBIDDEN:
            self.seen.append(f"a unit test {FORBIDDEN[event]}: {event}{arguments}; see tests/unit/conftest.py")
            raise AssertionError(self.seen[-1])


GUARD = Guard()
sys.addaudithook(GUARD)  # there is no way to take one off again, so it is told when it matters


@pytest.fixture(scope="session", autouse=True)
def known_fonts() -> None:
    """matplotlib looks for a machine's fonts when it is first used there, with a program; pictures come too late for that."""
    import matplotlib

    if not any(Path(matplotlib.get_cachedir()).glob("fontlist-*.json")):
        import_module("matplotlib.font_manager")


@pytest.fixture(scope="session", autouse=True)
def sleep_is_seen() -> Iterator[None]:
    """Sleeping raises no audit event of its own."""
    sleep = time.sleep

    def seen(seconds: float) -> None:
        GUARD("time.sleep", (seconds,))
        sleep(seconds)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "sleep", seen)
        yield


@pytest.fixture(scope="session", autouse=True)
def quick_hashes() -> Iterator[None]:
    """What makes guessing slow makes tests slow, and none is about how slow."""
    from argon2 import PasswordHasher

    from synergos.accounts import passwords

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_HASHER", PasswordHasher(time_cost=2, memory_cost=8, parallelism=1))
        yield


@pytest.fixture(scope="session", autouse=True)
def levels_before() -> Iterator[dict[logging.Logger, int]]:
    """The level that loggers had whose level a test sets; there are too many loggers to look at all of them after each."""
    before: dict[logging.Logger, int] = {}
    set_level = logging.Logger.setLevel

    def remembered(logger: logging.Logger, level: int | str) -> None:
        before.setdefault(logger, logger.level)
        # Setting a level, even the same one, makes all loggers forget what they know of theirs.
        if logger.level != level:
            set_level(logger, level)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(logging.Logger, "setLevel", remembered)
        yield before


@pytest.fixture(autouse=True)
def guarded(levels_before: dict[logging.Logger, int]) -> Iterator[None]:
    """Fail a test that does what only integration tests may do, and leave nothing of a program that it starts to those after it.

    There are thousands of tests: one fixture for each costs less than one for each thing that is put back.
    """
    import structlog

    root, umask = logging.getLogger(), os.umask(0)
    os.umask(umask)
    handlers = root.handlers
    levels_before.clear()
    GUARD.seen.clear()
    GUARD.is_on = True
    yield
    GUARD.is_on = False
    root.handlers = handlers
    for logger, level in [*levels_before.items()]:
        logger.setLevel(level)
    structlog.reset_defaults()
    os.umask(umask)
    assert not GUARD.seen, "\n".join(GUARD.seen)
