"""Live parts of pages: HTML that a page asks for again and again, answered with 304 while it is the same.

A page has them by the macro ``live.part`` of ``macros/live.html``: a second apart while something that it shows is unfinished, else
15 seconds, and not at all while nobody looks. The header's own live part comes along with each, so that a page asks once.

While an orchestrator's feed tells of no change, a part is not made again: what the first of all browsers was answered is good for the
others too. Where changes come many times a second, it is good for a moment all the same, and while it is being made for one browser the
others wait for that: what a hundred of them cost does not grow with how fast a training is. That holds for every endpoint with ``live`` in its name, asked
with the arguments that it says it :func:`knows` and no others.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from http import HTTPStatus
from typing import Any, TypeVar

from flask import Flask, Response, current_app, g, render_template, request

from synergos_portal.orchestrator import overview
from synergos_portal.orchestrator.problems import OrchestratorProblem
from synergos_portal.web import current, language

View = TypeVar("View", bound=Callable[..., Any])

SOON, LATER = 1, 15
"""Seconds between two questions of a page."""
PACE = "Live-Pace"
"""The header of an answer that says how many."""
HEARD = "Live-Heard"
"""The header of an answer that says that the orchestrator is there."""
_GOOD_SECONDS = 5.0
_MOMENT = 0.7
"""Seconds for which a part is good whatever has changed since: less than a browser waits between two questions."""
_MAKING_SECONDS = 10.0
"""For which others wait for whoever makes a part; then they make it themselves."""
_MOST = 256
MOST_BYTES = 4 * 2**20
"""Of all parts together with what they were asked for."""
_ARGUMENTS = "live_arguments"
_PART = "part"
"""The block of a page that is its live part."""


@dataclass(frozen=True)
class Made:
    """A part that was made.

    Attributes:
        version: of the feed at which.
        at: monotonic seconds when.
    """

    version: str
    at: float
    html: bytes
    tag: str
    pace: str


class Parts:
    """Parts that were made lately; threads of requests share them under one lock, which nobody holds while a part is made."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._changed = threading.Condition()
        self._made: OrderedDict[tuple[Any, ...], Made] = OrderedDict()
        self._bytes = 0
        self._making: set[tuple[Any, ...]] = set()

    def take(self, key: tuple[Any, ...], version: str) -> Made | None:
        """One that is good, be it that another request has it made just now; without one whoever asks makes it.

        Whoever makes one calls :meth:`keep` or :meth:`give_up`.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._good(key, version) or key not in self._making, _MAKING_SECONDS)
            made = self._good(key, version)
            if made is None:
                self._making.add(key)
            return made

    def keep(self, key: tuple[Any, ...], made: Made) -> None:
        """One that was made, in the place of the one before; it is not kept where it would take the place of many others."""
        size = _size(key, made)
        with self._changed:
            before = self._made.pop(key, None)
            self._bytes -= 0 if before is None else _size(key, before)
            if size <= MOST_BYTES // 4:
                self._made[key] = made
                self._bytes += size
            while len(self._made) > _MOST or self._bytes > MOST_BYTES:
                oldest, given_up = self._made.popitem(last=False)
                self._bytes -= _size(oldest, given_up)
        self.give_up(key)

    def give_up(self, key: tuple[Any, ...]) -> None:
        """Nobody makes it any more, or it was made."""
        with self._changed:
            self._making.discard(key)
            self._changed.notify_all()

    def _good(self, key: tuple[Any, ...], version: str) -> Made | None:
        made = self._made.get(key)
        if made is None:
            return None
        age = self._clock() - made.at
        return made if age < (_GOOD_SECONDS if made.version == version else _MOMENT) else None


def _size(key: tuple[Any, ...], made: Made) -> int:
    return len(made.html) + len(repr(key))


def install(app: Flask) -> None:
    """Have an application answer with what was made before as long as it is good, and give pages the pace of a part."""
    parts = Parts()

    def answer() -> Response | None:
        if (
            request.method != "GET"
            or not is_live(request.endpoint or "")
            or not _known_arguments().issuperset(request.args)
        ):
            return None
        feed = current.client().feed
        version = None if feed is None else feed.version
        if version is None:
            return None
        key = _key()
        made = parts.take(key, version)
        if made is not None:
            return _answer(made.html, made.tag, made.pace)
        g.live_key, g.live_version = key, version
        return None

    def keep(response: Response) -> Response:
        if "live_key" in g and hasattr(g, "live_made"):
            html, tag, pace_said = g.live_made
            parts.keep(g.live_key, Made(g.live_version, time.monotonic(), html, tag, pace_said))
        return response

    def give_up(_error: BaseException | None) -> None:
        if "live_key" in g:
            parts.give_up(g.live_key)

    app.before_request(answer)
    app.after_request(keep)
    app.teardown_request(give_up)
    app.jinja_env.globals.update(
        live_pace=lambda unfinished: pace(unfinished=unfinished), job_counts=job_counts, no_news_since=no_news_since
    )


def knows(*arguments: str) -> Callable[[View], View]:
    """Say which arguments of its address a live part shows something by; who sends others is answered anew each time."""

    def marked(view: View) -> View:
        setattr(view, _ARGUMENTS, frozenset(arguments))
        return view

    return marked


def pace(*, unfinished: bool) -> int:
    """Seconds after which a page asks again."""
    return SOON if unfinished else LATER


def fragment(template: str | None, *, unfinished: bool, **values: object) -> Response:
    """A live part.

    Args:
        template: of the page whose block ``part`` it is, or one of its own; None for the header's part alone.
        unfinished: whether something that it shows goes on.
    """
    part = "" if template is None else _part(template, values)
    html = (part + render_template("header_live.html", is_fragment=True)).encode()
    tag = sha256(html).hexdigest()[:20]
    # While there is no news, that there is some again is worth knowing at once.
    said = str(pace(unfinished=unfinished or not is_heard()))
    if no_news_since() is None:
        g.live_made = (html, tag, said)
    return _answer(html, tag, said)


def _part(template: str, values: dict[str, Any]) -> str:
    """The block ``part`` alone, without the page around it; where there is none, all of it."""
    found = current_app.jinja_env.get_template(template)
    if _PART not in found.blocks:
        return render_template(template, **values)
    current_app.update_template_context(values)
    return "".join(found.blocks[_PART](found.new_context(values)))


def job_counts() -> overview.Counts | None:
    """How many jobs there are in which state; None where nobody can tell."""
    if "job_counts" not in g:
        try:
            g.job_counts = overview.counts(current.client())
        except OrchestratorProblem:
            g.job_counts = None
    found: overview.Counts | None = g.job_counts
    return found


def no_news_since() -> Any:
    """When the orchestrator was last heard of, where that is too long ago to go unsaid; None where it is not."""
    client = current.client()
    silent = None if client.feed is None else client.feed.silent_since
    return silent or client.stale_since


def is_heard() -> bool:
    """Whether the orchestrator is there, as far as anybody knows."""
    client = current.client()
    return (
        job_counts() is not None and client.stale_since is None
        if client.feed is None
        else client.feed.version is not None
    )


def is_live(endpoint: str) -> bool:
    """Whether an endpoint is of a live part."""
    return "live" in endpoint.rpartition(".")[2].split("_")


def _known_arguments() -> frozenset[str]:
    known: frozenset[str] = getattr(current_app.view_functions.get(request.endpoint or ""), _ARGUMENTS, frozenset())
    return known


def _key() -> tuple[Any, ...]:
    # At all of them: which programs the station tells of goes by what somebody is at each orchestrator.
    people = map(current.person_at, current.known_orchestrators().names)
    return (
        current.orchestrator().name,
        *(None if who is None else who.token for who in people),
        language.chosen(),
        request.path,
        *sorted(request.args.items(multi=True)),
        request.host,
        request.scheme,
    )


def _answer(html: bytes, tag: str, pace_said: str) -> Response:
    is_the_same = request.if_none_match.contains_weak(tag)
    response = Response(status=HTTPStatus.NOT_MODIFIED) if is_the_same else Response(html, mimetype="text/html")
    response.set_etag(tag, weak=True)
    response.headers.add(PACE, pace_said)
    response.headers.add("Cache-Control", "no-store")
    if is_heard():
        response.headers.add(HEARD, "yes")
    return response
