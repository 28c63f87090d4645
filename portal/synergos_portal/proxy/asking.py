"""A program is asked what a browser asked, and answers piece by piece."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPException, HTTPResponse
from typing import TYPE_CHECKING, Any

from synergos_portal.proxy.lines import Line, Lines
from synergos_portal.proxy.tool import Kind, Tool, Trouble

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

LARGEST_BODY = 2**28
"""Bytes of a request's body."""
PIECE = 2**16
_CAN_BE_REPEATED = frozenset({"GET", "HEAD", "OPTIONS"})
_GONE = (BrokenPipeError, ConnectionResetError)


@dataclass(frozen=True)
class Question:
    """A request as a program gets it.

    Attributes:
        target: path and query, as they were sent.
        length: bytes of its body; None where it comes in pieces until it ends.
        read: gives the next bytes of the body, none at its end.
    """

    method: str
    target: str
    fields: Sequence[tuple[str, str]]
    length: int | None
    read: Callable[[int], bytes]

    @classmethod
    def of(cls, environ: WSGIEnvironment, target: str, fields: Sequence[tuple[str, str]]) -> Question:
        """What a browser asked.

        Raises:
            Trouble: its body is longer than is passed on.
        """
        stream: Any = environ["wsgi.input"]
        length: int | None = int(environ.get("CONTENT_LENGTH") or 0)
        if environ.get("HTTP_TRANSFER_ENCODING"):
            length = None
        if length is not None and length > LARGEST_BODY:
            raise Trouble(Kind.TOO_LARGE)
        return cls(environ["REQUEST_METHOD"], target, fields, length, stream.read)

    def pieces(self) -> Iterator[bytes]:
        """Its body.

        Raises:
            ConnectionAbortedError: the browser sends less than it said, or more than is passed on.
        """
        left = LARGEST_BODY if self.length is None else self.length
        while left > 0 and (piece := self.read(min(PIECE, left))):
            left -= len(piece)
            yield piece
        if left > 0 and self.length is not None:
            raise ConnectionAbortedError("a request ended before its body did")
        if left == 0 and self.length is None and self.read(1):
            raise ConnectionAbortedError("a request has a longer body than is passed on")


class Answered:
    """An answer whose head is there; to be closed, whatever was read of it."""

    def __init__(self, line: Line, lines: Lines, response: HTTPResponse) -> None:
        self._line = line
        self._lines = lines
        self._response = response
        # How much is to come where that is known; http.client says 0 of those that have no body, whatever their header says.
        self._left = None if response.chunked and response.length != 0 else response.length
        self._is_whole = self._left == 0
        self._is_closed = False

    @property
    def status(self) -> int:
        """Of HTTP."""
        return self._response.status

    @property
    def reason(self) -> str:
        """What the status means."""
        return self._response.reason

    @property
    def fields(self) -> list[tuple[str, str]]:
        """Its header."""
        return list(self._response.headers.items())

    @property
    def length(self) -> str | None:
        """What it says of its body's length, which a body that is left out has, too."""
        if self._response.chunked:
            return None
        said = self._response.headers.get("Content-Length")
        return said if said is not None and said.isascii() and said.isdecimal() else None

    def __iter__(self) -> Iterator[bytes]:
        """The body as it comes.

        Raises:
            ConnectionAbortedError: it ends before it should.
        """
        try:
            while not self._is_whole and (
                piece := self._response.read1(PIECE if self._left is None else min(PIECE, self._left))
            ):
                if self._left is not None:
                    self._left -= len(piece)
                    self._is_whole = self._left == 0
                yield piece
        except (HTTPException, ValueError) as error:
            raise ConnectionAbortedError("an answer of another program came to no end") from error
        if self._left:
            raise ConnectionAbortedError("an answer of another program ended before its body did")
        self._is_whole = True

    def close(self) -> None:
        """Give the connection back, for the next request if nothing is left on it."""
        if self._is_closed:
            return
        self._is_closed = True
        is_kept = self._is_whole and not self._response.will_close
        self._response.close()
        self._lines.give_back(self._line, is_kept=is_kept)


def ask(tool: Tool, lines: Lines, question: Question) -> Answered:
    """Send a request on and wait for the beginning of its answer.

    Raises:
        Trouble: there is none.
        ConnectionAbortedError: the browser does not send all of its request.
    """
    line = lines.take()
    try:
        try:
            response = _sent(line, question)
        except (HTTPException, *_GONE):
            # A connection that was kept may be closed at the other end the moment it is used.
            if line.is_fresh or question.method not in _CAN_BE_REPEATED or question.length != 0:
                raise
            line = lines.renew(line)
            response = _sent(line, question)
        if response.status < HTTPStatus.OK:
            raise HTTPException("an answer that changes the protocol")
    except BaseException as error:
        lines.give_back(line, is_kept=False)
        if (kind := _kind(error)) is not None:
            raise Trouble(kind, tool.title, tool.place.written) from error
        raise
    return Answered(line, lines, response)


def _kind(error: BaseException) -> Kind | None:
    """What it is for whoever looks at the page; None of what is not the program's doing."""
    match error:
        case Trouble() | ConnectionAbortedError():
            return None
        case TimeoutError():
            return Kind.SLOW
        case UnicodeError():
            return Kind.BAD_ADDRESS
        case ConnectionError() | OSError():
            return Kind.AWAY
        case HTTPException() | ValueError():
            return Kind.NONSENSE
        case _:
            return None


def _sent(line: Line, question: Question) -> HTTPResponse:
    connection = line.connection
    connection.putrequest(question.method, question.target, skip_host=True, skip_accept_encoding=True)
    for name, value in question.fields:
        connection.putheader(name, value.encode("latin-1"))
    is_in_pieces = question.length is None
    if is_in_pieces:
        connection.putheader("Transfer-Encoding", "chunked")
    elif question.length or question.method not in _CAN_BE_REPEATED:
        connection.putheader("Content-Length", str(question.length))
    try:
        connection.endheaders()
        for piece in question.pieces():
            connection.send(b"%X\r\n%b\r\n" % (len(piece), piece) if is_in_pieces else piece)
        if is_in_pieces:
            connection.send(b"0\r\n\r\n")
    except _GONE:
        # Who refuses a body may have answered before it was there, and close.
        if question.length == 0:
            raise
    return connection.getresponse()
