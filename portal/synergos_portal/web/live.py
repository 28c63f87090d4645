"""Live parts of pages: HTML that a page asks for again and again, answered with 304 while it is the same.

What the first of all browsers was answered is good for the others too (:mod:`synergos_portal.web.live_parts`). That holds for every
endpoint with ``live`` in its name, asked with the arguments that it says it :func:`knows` and no others. The header's own part comes
along with each, so that a page asks once.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar

from flask import Flask, Response, current_app, g, render_template, request
from markupsafe import Markup

from synergos_portal.orchestrator import jobs
from synergos_portal.orchestrator.client import KEPT_SECONDS
from synergos_portal.orchestrator.problems import OrchestratorProblem
from synergos_portal.web import current, words
from synergos_portal.web.current import KnownOrchestrators
from synergos_portal.web.live_parts import UNHEARD, Blocks, Made, Part, Parts
from synergos_portal.web.repeated import ASKED, HEARD, Asked, RepeatedQuestions
from synergos_portal.web.sending import takes_packed
from synergos_portal.web.sign_ins import SignIns

View = TypeVar("View", bound=Callable[..., Any])

SOON, LATER = 1, 15
"""Seconds between two questions of a page."""
_ARGUMENTS, _REPEATED = "live_arguments", "synergos_repeated"
_PART = "part"
"""The block of a page that is its live part."""


def install(
    app: Flask, known: KnownOrchestrators, sign_ins: SignIns, clock: Callable[[], float] = time.monotonic
) -> None:
    """Have an application answer with what was made before as long as it is good, and give pages the pace of a part.

    Args:
        clock: monotonic seconds.
    """
    parts, blocks = Parts(clock), Blocks(clock)

    def answer() -> Response | None:
        if (
            request.method != "GET"
            or not is_live(request.endpoint or "")
            or not _known_arguments().issuperset(request.args)
        ):
            return None
        feed = current.client().feed
        version = feed.version or UNHEARD if feed is not None and not feed.is_silent else None
        if version is None:
            return None
        people = current.tokens()
        key = _key(people, request.path, *sorted(request.args.items(multi=True)))
        shown = current.orchestrator().name
        request.environ[ASKED] = Asked(key, shown, people, current.names_here(), takes_packed())
        made = parts.take(key, version)
        if made is not None:
            return _answer(made.part)
        g.live_key, g.live_version, g.live_begun = key, version, clock()
        return None

    def keep(response: Response) -> Response:
        if "live_key" in g and "live_made" in g:
            parts.keep(g.live_key, Made(g.live_version, g.live_begun, g.live_made))
        return response

    def give_up(_error: BaseException | None) -> None:
        if "live_key" in g:
            parts.give_up(g.live_key)

    def block(address: str, make: Callable[[], Markup], seconds: float = KEPT_SECONDS) -> Markup:
        """A part within its page, as a page had it a moment ago if nothing has changed since; ``address`` says of what it is made."""
        client = current.client()
        if client.as_of is None:
            return make()
        key = (*client.as_of, *_key(current.tokens(), address))
        made = blocks.find(key, seconds)
        if made is None:
            made = make()
            if client.stale_since is None:
                blocks.keep(key, made)
        return made

    repeated = RepeatedQuestions(app.wsgi_app, parts, known, sign_ins, clock)
    app.extensions[_REPEATED] = repeated
    app.wsgi_app = repeated  # type: ignore[method-assign]
    app.before_request(answer)
    app.after_request(keep)
    app.teardown_request(give_up)
    app.jinja_env.globals.update(
        live_pace=lambda unfinished: pace(unfinished=unfinished),
        kept_block=block,
        job_counts=job_counts,
        no_news_since=no_news_since,
    )


def by_heart(app: Flask, client: str, request: bytes) -> bytes | None:
    """The whole answer of an application to a request for a live part that somebody at an address has sent before, if it is known."""
    repeated: RepeatedQuestions = app.extensions[_REPEATED]
    return repeated.by_heart(client, request)


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
    own = "" if template is None else _part(template, values)
    parts: Any = current_app.jinja_env.globals["parts"]
    # Put together as texts: a macro gives one that would escape what is put before it.
    html = f"{own}{parts.news(is_fragment=True)}".encode()
    # While there is no news, that there is some again is worth knowing at once.
    part = Part.of(html, pace(unfinished=unfinished or not is_heard()))
    if no_news_since() is None:
        g.live_made = part
    return _answer(part)


def _part(template: str, values: dict[str, object]) -> str:
    """The block ``part`` alone, without the page around it; where there is none, all of it."""
    found = current_app.jinja_env.get_template(template)
    if _PART not in found.blocks:
        return render_template(template, **values)
    current_app.update_template_context(values)
    return "".join(found.blocks[_PART](found.new_context(values)))


def job_counts() -> jobs.Counts | None:
    """How many jobs there are in which state; None where nobody can tell."""
    if "job_counts" not in g:
        try:
            g.job_counts = jobs.counts(current.client())
        except OrchestratorProblem:
            g.job_counts = None
    found: jobs.Counts | None = g.job_counts
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


def _key(people: tuple[str | None, ...], *asked: object) -> tuple[Any, ...]:
    # At all of them: which programs the station tells of goes by what somebody is at each orchestrator.
    return (
        current.orchestrator().name,
        *people,
        words.chosen(),
        *asked,
        request.host,
        request.scheme,
    )


def _answer(part: Part) -> Response:
    status, fields, body = part.answer(request.if_none_match, takes_packed=takes_packed())
    response = Response(body, status, fields)
    response.vary.add("Accept-Encoding")
    response.headers.add("Cache-Control", "no-store")
    if is_heard():
        response.headers.add(HEARD, "yes")
    return response
