"""What is in front of both ports of a worker: who comes shows who it is, and what it asks comes in sealed.

See docs/wire-formats.md, section 4. Requests that are not sealed are let in where everybody is approved of, and elsewhere as far
as they ask for what anybody may know.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

import structlog

from synergos.errors import InvalidRequest, RecordNotFound, SynergosError, WireFormatError
from synergos.identity.channel import Opening, Place, Sealing, sealed_length
from synergos.identity.handshake import ASKED
from synergos.identity.sealed_http import (
    ANSWER_HEAD,
    CONTENT_TYPE,
    HANDSHAKE,
    IDENTITY,
    SEALED,
    AnswerHead,
    RequestHead,
    place_in,
    request_head,
)
from synergos.program.api_version import API_VERSION
from synergos.program.connection import watch_line
from synergos.program.rate_limited_log import Rarely
from synergos.program.request_body import reading_into
from synergos.program.response_body import Send, sending
from synergos.schema.json_text import object_in
from synergos_worker.visitors import NotApproved, NotLetIn, Revoked, Visitor, Visitors

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

log = structlog.get_logger(__name__)

PEER = "synergos.peer"
"""Where a request's environment has the fingerprint of who asks; nothing where it did not show that."""

DIRECTOR = "synergos.director"
"""The same of whom that one belongs to, as far as it has proved that."""

_LARGEST_HANDSHAKE = 2**17
_LONGEST_REASON = 500
_AT_ONCE = 2**16
"""Bytes of an answer that goes in one piece."""
_ANYBODYS = re.compile(r"/worker/?|/worker/swagger\.json")
_OF_SESSIONS = re.compile(r"/+(?:worker|sessions)(?:/.*)?", re.DOTALL)
_STATUSES: Mapping[type[SynergosError], HTTPStatus] = {
    NotApproved: HTTPStatus.UNAUTHORIZED,
    Revoked: HTTPStatus.FORBIDDEN,
    RecordNotFound: HTTPStatus.GONE,
    WireFormatError: HTTPStatus.BAD_REQUEST,
    InvalidRequest: HTTPStatus.EXPECTATION_FAILED,
}


class Door:
    """Puts itself in front of applications.

    Args:
        visitors: those who have shown who they are.
        note_refusal: is told why somebody was not let in, what they asked for, from which address, and who they are, if they have
            proved that.
    """

    def __init__(
        self,
        visitors: Visitors,
        note_refusal: Callable[[Exception, str, str, str | None], None] = lambda *_: None,
    ) -> None:
        self._visitors = visitors
        self._note_refusal = note_refusal
        self._refused = Rarely()

    def in_front_of(self, application: WSGIApplication) -> WSGIApplication:
        """The same application, behind this door."""

        def enter(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            path = environ["PATH_INFO"]
            if path.startswith(SEALED):
                return self._sealed(application, environ, start_response)
            if path == IDENTITY and environ["REQUEST_METHOD"] == "GET":
                return _json(start_response, HTTPStatus.OK, self._shown())
            if path == HANDSHAKE and environ["REQUEST_METHOD"] == "POST":
                return self._handshake(environ, start_response)
            if (
                not self._visitors.peers.trust.is_open
                and _OF_SESSIONS.fullmatch(path)
                and not _ANYBODYS.fullmatch(path)
            ):
                error = NotApproved("this worker takes sealed requests of orchestrators that its owner approves of")
                self._note_refusal(error, "unsealed request", str(environ.get("REMOTE_ADDR", "")), None)
                return _refusal(start_response, error)
            return application(environ, start_response)

        return enter

    def _shown(self) -> dict[str, object]:
        own = self._visitors.keys.now
        return {
            "fingerprint": own.fingerprint,
            "document": dict(own.keys.public.document),
            "challenge": self._visitors.challenges.new(),
            "succession": own.shown_succession,
        }

    def _handshake(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        try:
            asked = ASKED.read(_body(environ))
            answer = self._visitors.greet(asked, str(environ.get("REMOTE_ADDR", "")))
        except SynergosError as error:
            self._note_refusal(error, "handshake", str(environ.get("REMOTE_ADDR", "")), getattr(error, "who", None))
            if not isinstance(error, NotApproved):
                self._log("a handshake was refused", error, environ)
            return _refusal(start_response, error)
        return _json(start_response, HTTPStatus.OK, answer)

    def _sealed(
        self, application: WSGIApplication, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        try:
            visitor, place, opening, head = self._opened(environ)
        except SynergosError as error:
            self._note_refusal(error, "sealed request", str(environ.get("REMOTE_ADDR", "")), None)
            self._log("a sealed request was refused", error, environ)
            return _refusal(start_response, error)
        watch_line(environ)
        content = _Content(opening)

        def refuse_late() -> None:
            if content.error is not None:
                raise content.error
            # Whoever was revoked while it was asked for gets nothing any more.
            self._visitors.of(visitor.channel.id)

        sealing = Sealing(visitor.channel.answering, place)
        answering = _Answering(sealing, start_response, sending(environ), refuse_late, is_bare=head.method == "HEAD")
        inner = _inside(environ, head, content, visitor.fingerprint)
        inner[DIRECTOR] = visitor.membership.director
        if answering.can_send:
            inner["gunicorn.socket"] = answering
        return answering.body_of(application(inner, answering.start))

    def _log(self, event: str, error: SynergosError, environ: WSGIEnvironment) -> None:
        # Anybody who reaches the port may send as many as he likes.
        if (more := self._refused.due()) is not None:
            log.warning(event, reason=str(error)[:_LONGEST_REASON], address=environ.get("REMOTE_ADDR"), **more)

    def _opened(self, environ: WSGIEnvironment) -> tuple[Visitor, Place, Opening, RequestHead]:
        found = place_in(environ["PATH_INFO"])
        if found is None or environ["REQUEST_METHOD"] != "POST":
            raise WireFormatError(f"expected POST {SEALED}<channel>/<lane>/<message>")
        visitor, place = self._visitors.of(found[0]), found[1]
        opening = Opening(visitor.channel.asking, place, reading_into(environ["wsgi.input"]))
        try:
            head = request_head(opening.head())
        except OSError as error:
            raise WireFormatError("the connection was lost") from error
        # Only what was sealed for this place takes it.
        visitor.expected.take(place)
        opening.expect(head.length)
        return visitor, place, opening, head


class _Content:
    """``wsgi.input`` of a request that was sealed.

    Attributes:
        error: why it did not open, whatever the application made of that; None as long as it does.
    """

    def __init__(self, opening: Opening) -> None:
        self.error: WireFormatError | None = None
        self._opening = opening

    def read_into(self, memory: memoryview) -> int:
        """Fill memory from its beginning with the next bytes; how many, none only at the end."""
        with self._noting():
            return self._opening.read_into(memory)

    def readinto(self, memory: Any) -> int:
        """As of any stream."""
        return self.read_into(memoryview(memory).cast("B"))

    def read(self, size: int | None = -1) -> bytes:
        """As of any stream."""
        with self._noting():
            return self._opening.read(2**53 if size is None or size < 0 else size)

    @contextmanager
    def _noting(self) -> Iterator[None]:
        try:
            yield
        except WireFormatError as error:
            self.error = error
            raise


class _Answering:
    """Seals what an application answers, while it does.

    An application may yield its answer, or send pieces of it itself; see :func:`synergos.program.response_body.sending`.

    Args:
        refuse_late: called when an answer begins; raises what is answered in its place, in the clear.
        is_bare: whether the answer says how long its content is and has none.
    """

    def __init__(
        self,
        sealing: Sealing,
        start_response: StartResponse,
        send: Send | None,
        refuse_late: Callable[[], None],
        *,
        is_bare: bool = False,
    ) -> None:
        self._sealing = sealing
        self._refuse_late = refuse_late
        self._is_bare = is_bare
        # What is answered in the place of all that the application says.
        self._refused: bytes | None = None
        self._start_response = start_response
        self._send = send
        self._unsent = bytearray()
        self._goes_at_once = True
        self._is_started = False

    @property
    def can_send(self) -> bool:
        """Whether pieces can be sent past the server."""
        return self._send is not None

    def start(self, status: str, headers: list[tuple[str, str]], _error: object = None) -> Callable[[bytes], object]:
        """What an application calls first."""
        try:
            self._refuse_late()
        except SynergosError as error:
            log.warning("a sealed request was refused", reason=str(error))
            self._refused = b"".join(_refusal(self._start_response, error))
            return _no_write
        named = {name.lower(): value for name, value in headers}
        head = AnswerHead(
            status=int(status.split(" ", 1)[0]),
            type=named.get("content-type", ""),
            length=0 if self._is_bare else int(named.get("content-length", 0)),
        )
        first = self._sealing.head(json.dumps(ANSWER_HEAD.write(head)).encode(), head.length)
        length = len(first) + sealed_length(head.length)
        self._unsent = bytearray(first)
        self._goes_at_once = length <= _AT_ONCE
        self._start_response("200 OK", [("Content-Type", CONTENT_TYPE), ("Content-Length", str(length))])
        return _no_write

    def sendall(self, piece: memoryview) -> None:
        """Send a piece that was not yielded."""
        if self._refused is not None:
            return
        for record in self._sealing.add(piece):
            self._go(record)

    def body_of(self, pieces: Iterable[bytes]) -> Iterable[bytes]:
        """The whole answer, sealed, of what an application yields."""
        return _Body(self._records(pieces), pieces)

    def _records(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        if self._refused is not None:
            yield self._refused
            return
        if not self._goes_at_once:
            yield self._taken()
        for piece in pieces:
            for record in self._sealing.add(piece):
                self._go(record)
            if self._unsent and not self._goes_at_once:
                yield self._taken()
        for record in self._sealing.rest():
            self._go(record)
        if self._unsent:
            yield self._taken()

    def _go(self, record: memoryview) -> None:
        if self._goes_at_once or self._send is None:
            self._unsent += record
        else:
            self._send(record)

    def _taken(self) -> bytes:
        unsent, self._unsent = bytes(self._unsent), bytearray()
        return unsent


def _no_write(_piece: bytes) -> object:
    # What WSGI has for applications that can do nothing else; it would go past the seal.
    raise NotImplementedError("an answer is yielded")


@dataclass(frozen=True, eq=False)
class _Body:
    records: Iterator[bytes]
    pieces: Iterable[bytes]

    def __iter__(self) -> Iterator[bytes]:
        return self.records

    def close(self) -> None:
        """Called by the server in any case."""
        if (close := getattr(self.pieces, "close", None)) is not None:
            close()


def _inside(environ: WSGIEnvironment, head: RequestHead, content: _Content, peer: str) -> WSGIEnvironment:
    """The environment of the request that was sealed: of the one around it the connection alone."""
    path, _, query = head.target.partition("?")
    outer = {
        name: value
        for name, value in environ.items()
        if not name.startswith(("HTTP_", "CONTENT_")) and name != "gunicorn.socket"
    }
    named = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in head.headers.items()}
    content_type = named.pop("HTTP_CONTENT_TYPE", "")
    length = {"CONTENT_LENGTH": str(head.length)} if head.has_content else {}
    return {
        **outer,
        **named,
        **length,
        "HTTP_HOST": environ.get("HTTP_HOST", ""),
        "CONTENT_TYPE": content_type,
        "REQUEST_METHOD": head.method,
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "QUERY_STRING": query,
        "RAW_URI": head.target,
        "wsgi.input": content,
        "wsgi.input_terminated": True,
        PEER: peer,
    }


def _body(environ: WSGIEnvironment) -> dict[str, object]:
    """The JSON that a request brings.

    Raises:
        WireFormatError: it brings none.
    """
    text = environ.get("CONTENT_LENGTH") or ""
    length = int(text) if text.isdecimal() and len(text) < 10 else -1
    if not 0 <= length <= _LARGEST_HANDSHAKE:
        raise WireFormatError(f"expected a Content-Length of at most {_LARGEST_HANDSHAKE}")
    if not str(environ.get("CONTENT_TYPE", "")).startswith("application/json"):
        # Any web page may send a body without a type, or as plain text.
        raise WireFormatError("expected Content-Type: application/json")
    with suppress(OSError, ValueError):
        return object_in(environ["wsgi.input"].read(length))
    raise WireFormatError("expected a JSON object")


def _refusal(start_response: StartResponse, error: SynergosError) -> Iterable[bytes]:
    known = (_STATUSES[kind] for kind in type(error).__mro__ if kind in _STATUSES)
    status = next(known, HTTPStatus.SERVICE_UNAVAILABLE)
    field = "identity" if isinstance(error, NotApproved | Revoked) else None
    body = {"apiVersion": API_VERSION, "success": 0, "status": status.value, "message": str(error), "field": field}
    # Whoever knows this worker believes nobody else that it has said so.
    signed = {"refusal": error.refusal} if isinstance(error, NotLetIn) and error.refusal is not None else {}
    return _json(start_response, status, {**body, **signed})


def _json(start_response: StartResponse, status: HTTPStatus, body: Mapping[str, object]) -> Iterable[bytes]:
    content = (json.dumps(body) + "\n").encode()
    start_response(
        f"{status.value} {status.phrase}",
        [("Content-Type", "application/json"), ("Content-Length", str(len(content)))],
    )
    return [content]
