"""One request waits for all browsers, and what it tells decides what is asked for again."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask

from fakes.clock import Clock
from fakes.portal import InProcess, answering, portal
from synergos.driver.transport import Transport
from synergos_portal.orchestrator.answers import MOST_BYTES, Answers, Kept
from synergos_portal.orchestrator.client import Client
from synergos_portal.orchestrator.client import Orchestrator as OneOrchestrator
from synergos_portal.orchestrator.feed import SILENT_SECONDS, WAIT_SECONDS, Feed, News
from synergos_portal.orchestrator.jobs import Counts, counts
from synergos_portal.orchestrator.problems import Away, NotSignedIn, Refused


class Orchestrator:
    """Tells what it is told to, and remembers after what it was asked."""

    def __init__(self, *answers: str | News | Exception) -> None:
        self.answers = list(answers)
        self.asked: list[str | None] = []

    def __call__(self, after: str | None, seconds: float) -> News:
        self.asked.append(after)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, News) else News(answer)


def test_each_request_goes_on_after_the_answer_before() -> None:
    told = Orchestrator("7", "9")
    feed = Feed("grid", told, Clock(100.0))

    assert (feed.turn(), feed.turn(), feed.version) == (True, True, "9")
    assert told.asked == [None, "7"]


def test_without_an_answer_for_five_seconds_nothing_is_taken_for_new() -> None:
    clock = Clock(100.0)
    feed = Feed("grid", Orchestrator("7", Away("gone"), "8"), clock)
    feed.turn()
    clock.now += SILENT_SECONDS

    assert not feed.turn()
    assert (feed.version, feed.silent_since is not None) == (None, True)
    assert feed.turn()
    assert (feed.version, feed.silent_since) == ("8", None)


def test_nothing_is_silent_before_it_had_time_to_answer() -> None:
    clock = Clock(100.0)
    feed = Feed("grid", Orchestrator(), clock)

    assert not feed.is_silent
    clock.now += SILENT_SECONDS
    assert feed.is_silent


@pytest.mark.parametrize(
    ("answers", "pauses"),
    [
        (["7", "9"], [0.5, 0.5]),
        (["7", "7"], [0.5, 1.0]),
        ([News("7", 1)], [1.0]),
        ([News("7", 0.001), News("7", 5), News("9", 3600)], [1.0, 5.0, 60.0]),
        ([Away("gone"), "7"], [1.0, 0.5]),
    ],
)
def test_whoever_is_answered_without_having_waited_pauses(
    answers: list[str | News | Exception], pauses: list[float]
) -> None:
    feed = Feed("grid", Orchestrator(*answers), Clock(100.0))

    found = []
    for _ in answers:
        feed.turn()
        found.append(feed.pause)

    assert found == pauses


def test_where_to_begin_is_told_at_once_and_whoever_has_waited_for_nothing_goes_on_without_a_pause() -> None:
    clock = Clock(100.0)

    def told(after: str | None, seconds: float) -> News:
        clock.now += seconds
        return News("7")

    feed = Feed("grid", told, clock)

    assert [(feed.turn(), feed.pause) for _ in range(3)] == [(True, 0.5), (True, 0.0), (True, 0.0)]
    assert clock.now == 100.0 + 2 * WAIT_SECONDS
    # Nobody has listened for a while.
    clock.now = again = 200.0
    assert [(feed.turn(), feed.pause) for _ in range(2)] == [(True, 1.0), (True, 0.0)]
    assert clock.now == again + WAIT_SECONDS


@pytest.mark.parametrize("said", ["1", "30", "Thu, 26 Nov 2026 12:00:00 GMT"])
def test_when_to_ask_again_is_read_of_the_answer(tmp_path: Path, said: str) -> None:
    app = Flask("crowded")
    told = {"apiVersion": "0.1.0", "success": 1, "status": 200, "data": [], "next": "7"}
    app.add_url_rule("/ttp/changes", view_func=lambda: (told, 200, {"Retry-After": said}))
    [adapter] = portal(tmp_path, app).adapters.values()
    transport = Transport("http://orchestrator.example")
    transport._session.mount("http://", adapter)

    found = Client(OneOrchestrator("orchestrator", transport), transport).await_change(None, 4)

    assert found == News("7", float(said) if said.isdecimal() else 1.0)


@pytest.mark.parametrize("error", [NotSignedIn("who?"), Refused("too many attempts", 429)])
def test_whoever_is_signed_out_or_was_wrong_too_often_is_asked_for_no_longer(error: Exception) -> None:
    feed = Feed("grid", Orchestrator(error), Clock(100.0))

    assert not feed.turn()
    assert not feed.is_wanted


def test_another_refusal_ends_no_feed() -> None:
    feed = Feed("grid", Orchestrator(Refused("busy", 503), "7"), Clock(100.0))

    assert (feed.turn(), feed.is_wanted, feed.turn()) == (False, True, True)


def test_with_a_token_that_nobody_knows_to_be_right_nothing_is_asked_beside() -> None:
    orchestrator = OneOrchestrator("orchestrator", Transport("http://orchestrator.example"), has_feed=True)

    assert orchestrator.asking_with("guessed").feed is None
    assert orchestrator._feeds == {}


def test_where_a_feed_was_turned_away_what_is_asked_is_asked_without_one() -> None:
    orchestrator = OneOrchestrator("orchestrator", Transport("http://orchestrator.example"), has_feed=True)
    turned_away = Feed("orchestrator", Orchestrator(Refused("too many attempts", 429)))
    turned_away.turn()
    orchestrator._feeds["token"] = turned_away

    assert orchestrator.on_behalf_of("token").feed is None


def kept(size: int = 10) -> Kept:
    return Kept({}, None, "1", 0.0, datetime.now(UTC), size)


def test_what_is_kept_is_one_persons() -> None:
    answers = Answers()
    answers.keep("a", "/x", kept())

    assert answers.find("b", "/x") is None
    answers.forget("a")
    assert answers.find("a", "/x") is None


def test_what_is_kept_is_bounded() -> None:
    answers = Answers()
    for number in range(20):
        answers.keep(None, f"/{number}", kept(MOST_BYTES // 8))

    assert [number for number in range(20) if answers.find(None, f"/{number}")] == list(range(12, 20))


def test_after_a_change_everything_is_asked_for_anew_and_is_there_while_nobody_answers() -> None:
    answers = Answers()
    answers.keep(None, "/x", kept())
    answers.outdate()

    found = answers.find(None, "/x")
    assert found is not None
    assert found.version is None


class Asked:
    """A client of an orchestrator that counts what it is asked, with a feed that is told what to say."""

    def __init__(self, folder: Path) -> None:
        self.portal = portal(folder, answering(("GET /ttp/jobs", 200, {"data": []})))
        adapter = self.portal.adapters["orchestrator"]
        transport = Transport("http://orchestrator.example")
        transport._session.mount("http://", adapter)
        self.adapter, self.clock = adapter, Clock(100.0)
        self.feed = Feed("grid", Orchestrator("1", "2", "2"), self.clock)
        self.client = Client(OneOrchestrator("orchestrator", transport), transport, None, self.feed)
        self.client._answers.clock = self.clock

    def read(self) -> None:
        self.client.answer("GET", "jobs")

    @property
    def count(self) -> int:
        return sum(asked == "GET /ttp/jobs" for asked in self.adapter.asked)


def test_while_nothing_changes_nothing_is_asked_for_twice(tmp_path: Path) -> None:
    asked = Asked(tmp_path)
    asked.feed.turn()
    for _ in range(3):
        asked.read()
    assert asked.count == 1

    asked.feed.turn()
    asked.read()
    assert asked.count == 2


def test_what_this_portal_changes_is_asked_for_at_once(tmp_path: Path) -> None:
    asked = Asked(tmp_path)
    asked.feed.turn()
    asked.read()
    with suppress(Refused):
        asked.client.create("jobs", body={})
    asked.read()

    assert asked.count == 2


def test_how_many_jobs_there_are_comes_along_with_what_has_changed(tmp_path: Path) -> None:
    told = {"apiVersion": "0.1.0", "success": 1, "status": 200, "data": [], "next": "7", "counts": {"failed": 2}}
    adapter = InProcess(answering(("GET /ttp/changes", 200, told)))
    transport = Transport("http://orchestrator.example")
    transport._session.mount("http://", adapter)
    orchestrator = OneOrchestrator("orchestrator", transport)
    feed = Feed("grid", Client(orchestrator, transport).await_change)
    feed.turn()

    assert counts(Client(orchestrator, transport, None, feed)) == Counts(failed=2)
    assert adapter.asked == ["GET /ttp/changes?wait=0&counts=true"]


def test_of_an_orchestrator_that_is_silent_what_was_read_is_shown_without_asking(tmp_path: Path) -> None:
    asked = Asked(tmp_path)
    asked.feed.turn()
    asked.read()
    asked.clock.now += SILENT_SECONDS
    asked.read()

    assert asked.count == 1
    assert asked.client.stale_since is not None
