"""Requests whose answer takes long: some may wait, the others are told what to do instead."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from werkzeug.exceptions import ServiceUnavailable

from synergos.errors import ClientGone
from synergos.program.patience import PATIENCE, Patience, may_wait, waiting, watching
from synergos.program.server import ServerSettings


@pytest.fixture
def environ() -> dict[str, Any]:
    """Of a request in the only place there is, whose client is there until it is told to go."""
    gone = threading.Event()
    return {PATIENCE: Patience(threading.Semaphore(1), gone.is_set, look=0.001, soon=0.001), "gone": gone}


def test_a_request_waits_until_it_has_happened(environ: dict[str, Any]) -> None:
    happened = threading.Event()
    happened.set()

    with waiting(environ, "come back") as wait:
        wait(happened)


def test_when_all_places_are_taken_it_is_said_what_to_do(environ: dict[str, Any]) -> None:
    with waiting(environ, "do that"), pytest.raises(ServiceUnavailable, match="do that") as refused:  # noqa: SIM117
        with waiting(environ, "do that"):
            raise AssertionError("there was a place")

    assert refused.value.retry_after == 5
    with waiting(environ, "do that"):
        """The place was given back."""


def test_who_need_not_wait_is_told_whether_there_is_a_place(environ: dict[str, Any]) -> None:
    with may_wait(environ) as first, may_wait(environ) as second:
        assert (first, second) == (True, False)
    with may_wait(environ) as again:
        assert again


def test_who_watches_leaves_places_to_who_waits_for_something() -> None:
    places, watchers = threading.Semaphore(2), threading.Semaphore(1)
    environ = {PATIENCE: Patience(places, lambda: False, look=0.001, soon=0.001, watchers=watchers)}

    with watching(environ) as first, watching(environ) as second, may_wait(environ) as has_place:
        assert (first is not None, second, has_place) == (True, None, True)
    with watching(environ) as again:
        assert again is not None


@pytest.mark.parametrize(("threads", "watch"), [(2, 0), (16, 4), (32, 8), (64, 16)])
def test_at_most_half_of_those_who_wait_watch(threads: int, watch: int) -> None:
    settings = ServerSettings("127.0.0.1", (0,), threads)

    assert settings.watching == watch
    assert settings.waiting - watch >= watch


def test_nobody_is_waited_for_who_has_hung_up(environ: dict[str, Any]) -> None:
    environ["gone"].set()

    with pytest.raises(ClientGone), waiting(environ, "do that") as wait:
        wait(threading.Event())
    with may_wait(environ) as place:
        assert place


def test_without_a_server_everybody_waits() -> None:
    happened = threading.Event()
    happened.set()

    with waiting({}, "do that") as wait, may_wait({}) as place:
        wait(happened)
    assert place
