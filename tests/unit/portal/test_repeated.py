"""What is asked again word for word is answered as an application would, without it, to the same people alone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from time import process_time
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Blueprint, request_started
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import Headers
from werkzeug.test import EnvironBuilder, TestResponse, run_wsgi_app

from fakes.clock import Clock
from fakes.closed_orchestrator import closed
from fakes.portal import Portal, Visitor, answering, portal
from synergos.program.connection import CONNECTION
from synergos_portal.orchestrator.client import Orchestrator
from synergos_portal.orchestrator.feed import Feed, News
from synergos_portal.pages import FAMILIES
from synergos_portal.services import Service
from synergos_portal.web import current, live
from synergos_portal.web.current import KnownOrchestrators
from synergos_portal.web.links import Family
from synergos_portal.web.live_parts import PACE, Made, Part, Parts
from synergos_portal.web.repeated import ASKED, HEARD, SECONDS, Asked, RepeatedQuestions
from synergos_portal.web.sign_ins import SignIns

PATH = "/parts/live"
MOMENT = 1.0
"""Seconds: no part is good for longer when something has changed."""


@dataclass
class Watched:
    """A portal with a live part.

    Attributes:
        clock: of the feed and of what is remembered; it goes on when it is told to.
        asked: the path, as often as the application has begun to look at a question.
    """

    grid: Portal
    news: list[str]
    feed: Feed
    clock: Clock
    asked: list[str] = field(default_factory=list)

    def change(self) -> None:
        """Something changes at the orchestrators."""
        self.news[0] += "1"
        self.feed.turn()

    def is_asked(self, visitor: Visitor, **headers: str) -> bool:
        """Whether the application looks at a question itself."""
        before = len(self.asked)
        visitor.get(PATH, **headers)
        return len(self.asked) > before


@pytest.fixture
def watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Watched:
    """In front of an orchestrator without accounts, which is shown, and one with them."""
    news, clock = ["1"], Clock()
    feed = Feed("all", lambda after, seconds: News(news[0]), clock)
    feed.turn()
    monkeypatch.setattr(Orchestrator, "_feed_of", lambda *_: feed)
    monkeypatch.setattr(live, "install", partial(live.install, clock=clock))
    pages = Blueprint("parts", __name__, url_prefix="/parts")

    @pages.get("/live")
    def live_part() -> ResponseReturnValue:
        return live.fragment(None, unfinished=True)

    orchestrators = {"open": answering(("GET /health", 200, {"accounts": "off"})), "closed": closed()}
    grid = portal(tmp_path, orchestrators, families=[*FAMILIES, Family(Service.NAV, pages)])
    found = Watched(grid, news, feed, clock)
    request_started.connect(lambda _app: found.asked.append(PATH), grid.apps[Service.NAV], weak=False)
    return found


def told(answer: TestResponse) -> tuple[int, list[tuple[str, str]], bytes]:
    """All of an answer."""
    return answer.status_code, sorted(answer.headers), answer.data


@pytest.mark.parametrize("encodings", ["gzip", "identity"])
def test_the_same_words_are_answered_as_the_application_does(
    watched: Watched, encodings: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("synergos_portal.web.sending._WORTH_IT", 1)
    visitor = watched.grid.visitor(Service.NAV, Accept_Encoding=encodings)
    whole = visitor.get(PATH)
    tag = whole.headers["ETag"]
    others_words = visitor.get(PATH, If_None_Match=tag, X_Other="1")
    before = len(watched.asked)

    assert told(visitor.get(PATH)) == told(whole)
    assert told(visitor.get(PATH, If_None_Match=tag)) == told(others_words)
    assert told(visitor.get(PATH, If_None_Match=f'"other", {tag}')) == told(others_words)
    assert (whole.status_code, others_words.status_code) == (200, 304)
    assert whole.headers.get("Content-Encoding") == (encodings if encodings == "gzip" else None)
    assert len(watched.asked) == before


@pytest.mark.parametrize("differs", [{"Accept_Language": "de"}, {"Host": "fl.example"}])
def test_other_words_are_another_question(watched: Watched, differs: dict[str, str]) -> None:
    visitor = watched.grid.visitor(Service.NAV)
    assert watched.is_asked(visitor)
    assert not watched.is_asked(visitor)
    assert watched.is_asked(visitor, **differs)

    visitor.client.set_cookie("another", "one")

    assert watched.is_asked(visitor)


def test_what_has_changed_is_made_anew(watched: Watched) -> None:
    visitor = watched.grid.visitor(Service.NAV)
    assert watched.is_asked(visitor)
    assert not watched.is_asked(visitor)

    watched.change()
    assert not watched.is_asked(visitor)
    watched.clock.now += MOMENT

    assert watched.is_asked(visitor)
    assert not watched.is_asked(visitor)


def test_who_is_signed_out_anywhere_is_answered_as_nobody(watched: Watched) -> None:
    lead, same = watched.grid.visitor(Service.NAV), watched.grid.visitor(Service.NAV)
    assert lead.send("/sign-in?at=closed", {"name": "lead", "password": "right"}).status_code == 303
    cookie = lead.client.get_cookie("synergos_portal")
    assert cookie is not None
    same.client.set_cookie("synergos_portal", cookie.value)
    assert watched.is_asked(same)
    assert not watched.is_asked(same)

    app = watched.grid.apps[Service.NAV]
    with app.test_request_context("/", headers={"Cookie": f"synergos_portal={cookie.value}"}):
        current.forget_at("closed")

    assert watched.is_asked(same)


def test_without_news_nothing_is_answered_of_before(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    visitor = watched.grid.visitor(Service.NAV)
    watched.is_asked(visitor)
    assert not watched.is_asked(visitor)

    monkeypatch.setattr(Orchestrator, "_feed_of", lambda *_: None)

    assert watched.is_asked(visitor)


class Application:
    """Answers with a live part, and counts how often."""

    def __init__(self, fields: list[tuple[str, str]], names: dict[str, str] | None = None) -> None:
        self.fields = fields
        self.names = names or {}
        self.count = 0

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        self.count += 1
        environ[ASKED] = Asked(("key",), "one", (None,), self.names, takes_packed=False)
        start_response("200 OK", self.fields)
        return [b"<p>"]


@dataclass
class Before:
    """What stands before an application, in front of an orchestrator that is heard of.

    Attributes:
        now: seconds, which pass when they are told to.
    """

    application: Application
    folder: Path
    now: float = 0.0

    def __post_init__(self) -> None:
        self.parts = parts = Parts(lambda: 0.0)
        parts.keep(("key",), Made("1", 0.0, Part.of(b"<p>", 1)))
        known = KnownOrchestrators({"one": Orchestrator.at("one", "http://one.example")})
        self.wsgi = RepeatedQuestions(self.application, parts, known, SignIns(self.folder), lambda: self.now)

    def ask(self, method: str = "GET", **headers: str) -> int:
        """How often the application was asked so far."""
        named = Headers([(name.replace("_", "-"), value) for name, value in headers.items()])
        run_wsgi_app(self.wsgi, EnvironBuilder("/live", method=method, headers=named).get_environ())
        return self.application.count

    def learn(self, request: bytes, **more: str) -> None:
        """Have what came by a connection answered twice, as a server does that has read it."""
        for _ in range(2):
            came = {
                CONNECTION: SimpleNamespace(request=request),
                "REMOTE_ADDR": "10.0.0.1",
                "SERVER_PROTOCOL": "HTTP/1.1",
            }
            run_wsgi_app(self.wsgi, {**EnvironBuilder("/live").get_environ(), **came, **more})


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> None:
    feed = Feed("one", lambda after, seconds: News("1"))
    feed.turn()
    monkeypatch.setattr(Orchestrator, "_feed_of", lambda *_: feed)


@pytest.mark.usefixtures("heard")
def test_a_question_is_remembered_for_a_while(tmp_path: Path) -> None:
    before = Before(Application([(PACE, "1")]), tmp_path)
    assert [before.ask(), before.ask()] == [1, 1]

    before.now = SECONDS + 1

    assert [before.ask(), before.ask()] == [2, 2]


@pytest.mark.usefixtures("heard")
@pytest.mark.parametrize("fields", [[], [(PACE, "1"), ("Set-Cookie", "a=b")]], ids=["no part", "a cookie"])
def test_what_is_no_part_or_gives_a_cookie_is_not_remembered(tmp_path: Path, fields: list[tuple[str, str]]) -> None:
    before = Before(Application(fields), tmp_path)

    assert [before.ask(), before.ask()] == [1, 2]


@pytest.mark.usefixtures("heard")
def test_what_is_long_or_no_reading_is_not_remembered(tmp_path: Path) -> None:
    before = Before(Application([(PACE, "1")]), tmp_path)

    assert [before.ask(X_Long="x" * 5000), before.ask(X_Long="x" * 5000)] == [1, 2]
    assert [before.ask("POST"), before.ask("POST")] == [3, 4]


REQUEST = b"GET /live HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n\r\n"


def knowing(request: bytes, tag: str) -> bytes:
    """The same request of a browser that has something of the part already."""
    return request.replace(b"\r\nAccept", f"\r\nif-none-match: {tag}\r\nAccept".encode())


@pytest.mark.usefixtures("heard")
def test_the_same_bytes_from_the_same_address_are_answered_by_heart(tmp_path: Path) -> None:
    before = Before(Application([(PACE, "1"), ("X-Own", "yes")]), tmp_path)
    assert before.wsgi.by_heart("10.0.0.1", REQUEST) is None
    before.learn(REQUEST)

    answer = before.wsgi.by_heart("10.0.0.1", REQUEST) or b""
    head, _, body = answer.partition(b"\r\n\r\n")
    line, *lines = head.decode().split("\r\n")
    fields = dict(each.split(": ", 1) for each in lines)
    assert (line, body, fields["Content-Length"]) == ("HTTP/1.1 200 OK", b"<p>", "3")
    assert {"X-Own": "yes", PACE: "1", HEARD: "yes", "Connection": "keep-alive"}.items() <= fields.items()
    known = before.wsgi.by_heart("10.0.0.1", knowing(REQUEST, fields["ETag"])) or b""
    assert known.startswith(b"HTTP/1.1 304 Not Modified\r\n")
    assert known.endswith(b"\r\n\r\n")
    assert (before.wsgi.by_heart("10.0.0.1", knowing(REQUEST, '"other"')) or b"").startswith(b"HTTP/1.1 200 OK\r\n")
    assert before.application.count == 1


@pytest.mark.usefixtures("heard")
def test_what_is_not_the_same_or_not_good_any_more_is_not_known_by_heart(tmp_path: Path) -> None:
    before = Before(Application([(PACE, "1")]), tmp_path)
    before.learn(REQUEST)

    assert before.wsgi.by_heart("10.0.0.2", REQUEST) is None
    assert before.wsgi.by_heart("10.0.0.1", REQUEST + b"GET /") is None
    assert before.wsgi.by_heart("10.0.0.1", REQUEST.replace(b"localhost", b"elsewhere")) is None
    before.parts.keep(("key",), Made("1", -60.0, Part.of(b"<p>", 1)))
    assert before.wsgi.by_heart("10.0.0.1", REQUEST) is None
    before.parts.keep(("key",), Made("1", 0.0, Part.of(b"<p>", 1)))
    assert before.wsgi.by_heart("10.0.0.1", REQUEST) is not None
    before.now = SECONDS + 1
    assert before.wsgi.by_heart("10.0.0.1", REQUEST) is None


@pytest.mark.usefixtures("heard")
@pytest.mark.parametrize(
    ("names", "more"),
    [
        # Who they are is looked up in files.
        ({"one": "a name"}, {}),
        ({}, {"SERVER_PROTOCOL": "HTTP/1.0"}),
        ({}, {"HTTP_CONNECTION": "close"}),
        ({}, {"CONTENT_LENGTH": "3"}),
        ({}, {"HTTP_EXPECT": "100-continue"}),
    ],
)
def test_where_somebody_has_to_look_nothing_is_known_by_heart(
    tmp_path: Path, names: dict[str, str], more: dict[str, str]
) -> None:
    before = Before(Application([(PACE, "1")], names), tmp_path)
    before.learn(REQUEST, **more)

    assert before.wsgi.by_heart("10.0.0.1", REQUEST) is None


@pytest.mark.usefixtures("heard")
def test_a_line_of_blanks_takes_no_longer_than_any_other(tmp_path: Path) -> None:
    before = Before(Application([(PACE, "1")]), tmp_path)
    blanks = b"GET /live HTTP/1.1\r\nIf-None-Match:" + b" " * 2**14 + b"\rx\r\n\r\n"
    begun = process_time()

    assert before.wsgi.by_heart("10.0.0.1", blanks) is None
    # By looking again from each of them it would be seconds.
    assert process_time() - begun < 1.0
