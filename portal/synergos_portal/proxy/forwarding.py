"""The application that shows other programs' pages, before the one whose pages are our own."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from synergos_portal.proxy.asking import Answered, Question, ask
from synergos_portal.proxy.fields import fields_for, fields_from
from synergos_portal.proxy.lines import Lines
from synergos_portal.proxy.presence import refusal
from synergos_portal.proxy.tool import Kind, Tool, Trouble

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
UNDER = "/tools"
_UNPRINTABLE = re.compile(r"[^\t\x20-\x7e]+")
_ORIGIN = re.compile(r"\A[a-z][a-z0-9+.-]*://[^/?#]*", re.IGNORECASE)
"""Before a path, as proxies are asked; further behind it is part of what is asked for."""
_CHANGES_NOTHING = ("GET", "HEAD", "OPTIONS")

Say = Callable[["WSGIEnvironment", "StartResponse", Trouble], Iterable[bytes]]
"""Answers a request with why its page is not shown."""


def _admit(_environ: WSGIEnvironment, _tool: Tool) -> None:
    pass


def _first(_environ: WSGIEnvironment, tools: Sequence[Tool]) -> Tool:
    return tools[0]


class Proxy:
    """Requests for programs' pages are passed on to those, all others to the application behind it.

    Args:
        tools: the programs, and nobody else is ever asked anything.
        say: answers where a program does not.
        is_ours: whether a cookie of this name is the portal's own.
        admit: raises where whoever asks may not see a program.
        choose: which of several programs with the same addresses somebody looks at.
    """

    def __init__(
        self,
        tools: Sequence[Tool],
        otherwise: WSGIApplication,
        say: Say,
        is_ours: Callable[[str], bool],
        admit: Callable[[WSGIEnvironment, Tool], None] = _admit,
        choose: Callable[[WSGIEnvironment, Sequence[Tool]], Tool] = _first,
        lines: Callable[[Tool], Lines] = Lines,
    ) -> None:
        self._lines = {tool: lines(tool) for tool in tools}
        self._otherwise = otherwise
        self._say = say
        self._is_ours = is_ours
        self._admit = admit
        self._choose = choose

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        path, query = raw_target(environ)
        targets = {tool: target for tool in self._lines if (target := tool.target(path)) is not None}
        try:
            if not targets:
                if path.startswith(f"{UNDER}/"):
                    return self._nothing_there(f"{path}/{query}", path, start_response)
                return self._otherwise(environ, start_response)
            tool = self._choose(environ, list(targets)) if len(targets) > 1 else next(iter(targets))
            answered = self._asked(environ, path, tool, targets[tool] + query)
        except Trouble as trouble:
            return self._say(environ, start_response, trouble)
        is_secure = environ["wsgi.url_scheme"] == "https"
        fields = list(fields_from(answered.fields, tool, self._is_ours, is_secure=is_secure))
        if answered.length is not None:
            fields.append(("Content-Length", answered.length))
        start_response(f"{answered.status} {_reason(answered)}", fields)
        return answered

    def close(self) -> None:
        """Let go of connections."""
        for lines in self._lines.values():
            lines.close()

    def _nothing_there(self, instead: str, path: str, start_response: StartResponse) -> Iterable[bytes]:
        """Send those on who leave out the slash behind a program's name, from where its pages' links begin."""
        if all(path != tool.prefix for tool in self._lines):
            raise Trouble(Kind.UNKNOWN)
        start_response("308 Permanent Redirect", [("Location", instead), ("Content-Length", "0")])
        return [b""]

    def _asked(self, environ: WSGIEnvironment, path: str, tool: Tool, target: str) -> Answered:
        if environ["REQUEST_METHOD"] not in METHODS:
            raise Trouble(Kind.BAD_METHOD, tool.title)
        if steps_aside(path):
            raise Trouble(Kind.BAD_ADDRESS, tool.title)
        self._admit(environ, tool)
        if may_change(environ):
            if tool.reads_only:
                raise Trouble(Kind.READING_ONLY, tool.title)
            if not is_from_here(environ):
                raise Trouble(Kind.OTHER_SITE, tool.title)
        fields = list(fields_for(environ, tool, self._is_ours))
        answered = ask(tool, self._lines[tool], Question.of(environ, target, fields))
        if answered.status == HTTPStatus.UNAUTHORIZED and tool.login is not None:
            # A browser would ask whoever looks at it for a password that it could not use.
            answered.close()
            raise Trouble(Kind.LOGIN_REFUSED, tool.title, tool.place.written)
        if is_page(environ) and (trouble := refusal(tool, answered.status)) is not None:
            answered.close()
            raise trouble
        return answered


def _reason(answered: Answered) -> str:
    if reason := _UNPRINTABLE.sub(" ", answered.reason).strip():
        return reason
    with suppress(ValueError):
        return HTTPStatus(answered.status).phrase
    return "Unknown"


def raw_target(environ: WSGIEnvironment) -> tuple[str, str]:
    """Path, and query with its question mark, as they were sent: WSGI's own path has lost which slashes were escaped."""
    target: str = _ORIGIN.sub("", environ["RAW_URI"], count=1)
    path, mark, query = target.partition("#")[0].partition("?")
    return path, mark + query


def steps_aside(path: str) -> bool:
    """Whether a path has steps to where it is or up, which browsers take before they ask."""
    # Programs in Java take what follows a semicolon from a step before they take it.
    return any(step.partition(";")[0] in (".", "..") for step in re.split(r"[/\\]", unquote(path)))


def may_change(environ: WSGIEnvironment) -> bool:
    """Whether a request is of a kind that may change something."""
    return environ["REQUEST_METHOD"] not in _CHANGES_NOTHING


def is_from_here(environ: WSGIEnvironment) -> bool:
    """Whether a page of this very address sends a request, by what browsers say of those that may change something."""
    if (site := environ.get("HTTP_SEC_FETCH_SITE")) is not None:
        return bool(site.strip().lower() == "same-origin")
    # Not said to addresses without TLS on a network; where a page is from is.
    origin: str = environ.get("HTTP_ORIGIN", "")
    try:
        return bool(origin) and urlsplit(origin).netloc.lower() == environ.get("HTTP_HOST", "").lower()
    except ValueError:
        return False


def is_page(environ: WSGIEnvironment) -> bool:
    """Whether somebody is to look at the answer itself, in a window or a frame."""
    wants = "text/html" in environ.get("HTTP_ACCEPT", "")
    return wants and environ["REQUEST_METHOD"] == "GET" and environ.get("HTTP_SEC_FETCH_DEST", "document") != "empty"
