"""Questions for live parts that are asked again word for word: answered before an application reads them once more.

What an application makes of the words of a question depends on nothing but them, and is remembered for a while. What may have changed
since is looked at each time: who the browser is at each orchestrator, whether the one that is shown is heard of, and whether the part
is still good. Who is signed in nowhere is answered by the main thread (:mod:`synergos.program.by_heart`).
"""

from __future__ import annotations

import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from gunicorn import SERVER
from werkzeug.http import parse_etags

from synergos.program.connection import CONNECTION
from synergos_portal.web.current import KnownOrchestrators
from synergos_portal.web.live_parts import PACE, Made, Parts
from synergos_portal.web.sign_ins import SignIns

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

ASKED = "synergos.live_part"
"""Where an application says in a request's environment what was :class:`Asked`."""
HEARD = "Live-Heard"
"""The header of an answer that says that the orchestrator is there."""
SECONDS = 60.0
"""For which a question is remembered: a cookie that has become too old is seen as such so much later at most."""
_MOST = 512
_LONGEST = 4096
"""Characters of a question that is remembered."""
_OF_PART = frozenset({"etag", "content-encoding", "content-type", "content-length", PACE.lower(), HEARD.lower()})
"""Fields of an answer that are of what the part is now."""
# Gives nothing back that it has taken: the main thread would be long about a line of blanks.
_KNOWN = re.compile(rb"\r\nif-none-match:([^\r\n]*+)(?=\r\n)", re.IGNORECASE)
_ANSWERS = (HTTPStatus.OK, HTTPStatus.NOT_MODIFIED)

Question = tuple[object, ...]


@dataclass(frozen=True)
class Asked:
    """What an application makes of a question.

    Attributes:
        key: of the part; it has in it who asks.
        orchestrator: the name of the one that is shown.
        tokens: by which each orchestrator knows who asks; None where they are nobody.
        names: by orchestrator, that the browser has for whom it has signed in as.
    """

    key: tuple[Any, ...]
    orchestrator: str
    tokens: tuple[str | None, ...]
    names: Mapping[str, str]
    takes_packed: bool


@dataclass(frozen=True)
class _Remembered:
    asked: Asked
    at: float
    fields: list[tuple[str, str]]


class RepeatedQuestions:
    """An application before which these are answered; threads of requests share what is remembered under one lock.

    Args:
        parts: that it has made.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        application: WSGIApplication,
        parts: Parts,
        known: KnownOrchestrators,
        sign_ins: SignIns,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._application = application
        self._parts = parts
        self._known = known
        self._sign_ins = sign_ins
        self._clock = clock
        self._lock = threading.Lock()
        self._remembered: OrderedDict[Question, _Remembered] = OrderedDict()
        # By the address of whoever asks, and the words of a request without what the browser has of the part.
        self._words: OrderedDict[tuple[str, bytes], Question] = OrderedDict()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        if environ["REQUEST_METHOD"] != "GET":
            return self._application(environ, start_response)
        question = _question(environ)
        before = self._find(question)
        made = None if before is None else self._good(before.asked)
        if before is not None and made is not None:
            self._learn(environ, question)
            status, fields, body = _answer(before, made, environ.get("HTTP_IF_NONE_MATCH"))
            start_response(f"{status.value} {status.phrase}", fields)
            return [body] if body else []

        def start(status: str, fields: list[tuple[str, str]], error: Any = None) -> Any:
            asked = environ.get(ASKED)
            if asked is not None:
                self._remember(question, asked, int(status[:3]), fields)
            return start_response(status, fields) if error is None else start_response(status, fields, error)

        return self._application(environ, start)

    def by_heart(self, client: str, request: bytes) -> bytes | None:
        """The whole answer to a request that was answered here before; None where somebody has to look who asks.

        Args:
            client: the address it came from.
        """
        words, tag = _apart(request)
        with self._lock:
            question = self._words.get((client, words))
        before = None if question is None else self._find(question)
        # Who is signed in stands in files, on whatever disk.
        if before is None or before.asked.names or (made := self._good(before.asked)) is None:
            return None
        status, fields, body = _answer(before, made, tag)
        head = [f"HTTP/1.1 {status.value} {status.phrase}", f"Server: {SERVER}", f"Date: {_date(int(time.time()))}"]
        head += ["Connection: keep-alive", *(f"{name}: {value}" for name, value in fields), "", ""]
        return "\r\n".join(head).encode("latin-1") + body

    def _learn(self, environ: WSGIEnvironment, question: Question) -> None:
        """Know the words of a request the next time."""
        connection = environ.get(CONNECTION)
        if connection is None or not connection.request or not _is_plain(environ):
            return
        connection.comes_later = True
        words = (str(environ.get("REMOTE_ADDR")), _apart(connection.request)[0])
        with self._lock:
            self._words[words] = question
            self._words.move_to_end(words)
            while len(self._words) > _MOST:
                self._words.popitem(last=False)

    def _find(self, question: Question) -> _Remembered | None:
        with self._lock:
            found = self._remembered.get(question)
            if found is None or self._clock() - found.at > SECONDS:
                return None
            self._remembered.move_to_end(question)
            return found

    def _good(self, asked: Asked) -> Made | None:
        """The part as it is now, where it need not be made anew and whoever asks is still the same everywhere."""
        if self._sign_ins.tokens(self._known.names, asked.names) != asked.tokens:
            return None
        # Without a feed, as where the token is good for nothing any more, the orchestrator says itself.
        token = dict(zip(self._known.names, asked.tokens, strict=True))[asked.orchestrator]
        feed = self._known.chosen(asked.orchestrator).on_behalf_of(token).feed
        version = None if feed is None else feed.version
        return None if version is None else self._parts.find(asked.key, version)

    def _remember(self, question: Question, asked: Asked, status: int, fields: list[tuple[str, str]]) -> None:
        names = {name.lower() for name, _ in fields}
        is_of_part = status in _ANSWERS and PACE.lower() in names
        # Who is given a cookie asks otherwise from then on.
        if not is_of_part or "set-cookie" in names or len(repr(question)) > _LONGEST:
            return
        kept = [field for field in fields if field[0].lower() not in _OF_PART]
        with self._lock:
            self._remembered[question] = _Remembered(asked, self._clock(), kept)
            self._remembered.move_to_end(question)
            while len(self._remembered) > _MOST:
                self._remembered.popitem(last=False)


def _question(environ: WSGIEnvironment) -> Question:
    """All that was asked, but for what the browser has of the part already."""
    return (
        environ.get("SCRIPT_NAME"),
        environ.get("PATH_INFO"),
        environ.get("QUERY_STRING"),
        environ["wsgi.url_scheme"],
        environ.get("SERVER_NAME"),
        environ.get("SERVER_PORT"),
        *(field for field in environ.items() if field[0].startswith("HTTP_") and field[0] != "HTTP_IF_NONE_MATCH"),
    )


def _answer(before: _Remembered, made: Made, known: str | None) -> tuple[HTTPStatus, list[tuple[str, str]], bytes]:
    """Status, header fields and body; ``known`` is what the browser has of the part."""
    status, fields, body = made.part.answer(parse_etags(known), takes_packed=before.asked.takes_packed)
    # A part is good only where its orchestrator is heard of.
    return status, [*before.fields, *fields, (HEARD, "yes")], body


def _apart(request: bytes) -> tuple[bytes, str | None]:
    """The words of a request without what the browser has of the part, and that."""
    found = _KNOWN.search(request)
    if found is None:
        return request, None
    return request[: found.start()] + request[found.end() :], found[1].decode("latin-1")


def _is_plain(environ: WSGIEnvironment) -> bool:
    """Whether a request has no body, and its connection stays open."""
    ends = environ.get("HTTP_CONNECTION", "").strip().lower() not in ("", "keep-alive")
    more = ("CONTENT_LENGTH", "HTTP_TRANSFER_ENCODING", "HTTP_EXPECT")
    return environ["SERVER_PROTOCOL"] == "HTTP/1.1" and not ends and not any(environ.get(name) for name in more)


@lru_cache(1)
def _date(seconds: int) -> str:
    return formatdate(seconds, usegmt=True)
