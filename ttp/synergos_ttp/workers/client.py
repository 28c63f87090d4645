"""HTTP to one participant's worker: how it is connected to, waited for, and asked again. Commands and weights go by it."""

from __future__ import annotations

import errno
import math
import re
import socket
import ssl
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from http.client import InvalidURL
from multiprocessing.connection import wait
from typing import Protocol, Self

import httptools
from urllib3 import exceptions
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.util.connection import create_connection

from synergos.domain.addresses import in_header, is_fingerprint, shown
from synergos.domain.grid import Node
from synergos.errors import InvalidRequest, WireFormatError, WorkerMistaken, WorkerSilent, WorkerUnreachable
from synergos.identity.arrival import KEEP_ALIVE_SECONDS
from synergos.identity.channel import Lane, Place
from synergos.identity.sealed_http import CONTENT_TYPE, path_of
from synergos.program.destinations import ANY_NODE, Destinations
from synergos.program.socket_options import AT_ONCE, line_options
from synergos.tls.handshake_errors import reason_of
from synergos.wire.codec import CHUNK_BYTES
from synergos_ttp.workers.limits import Limits
from synergos_ttp.workers.line import TURN, Line, Overdue
from synergos_ttp.workers.response import Response
from synergos_ttp.workers.sealing import Altered, ChannelLost, Introduction, SealedBody, SealedResponse

_BROKEN = (
    OSError,
    exceptions.HTTPError,
    httptools.HttpParserError,
    httptools.HttpParserUpgrade,
    # What Python says of host names that cannot be.
    InvalidURL,
    UnicodeError,
)
_NO_WAY = {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.ETIMEDOUT}
_SILENT_SECONDS = 8.0
"""After which a connection that broke had been silent before, and was not closed at the other end."""
_MANY_PACKETS = 2**15
_TARGET = re.compile("[!-~]+")


class Body(Protocol):
    """What a request carries; it may be sent twice."""

    @property
    def length(self) -> int:
        """Size in bytes."""

    def buffers(self) -> Iterable[bytes | memoryview]:
        """The bytes, from the beginning."""


@dataclass(frozen=True)
class Request:
    """What a worker is asked. Every request is idempotent: it may reach the worker twice.

    Attributes:
        path: with the query, quoted.
        stall: seconds without a byte to or from the worker after which it is taken for lost.
        within: seconds for the question and the whole answer; as many as ``stall`` unless given.
        moved: told how many bytes more have arrived at either end; None where nobody wants to know.
        meanwhile: when the answer may be long in coming, what is called every :attr:`Limits.long_poll` seconds until it
            begins; it raises to give up.
    """

    method: str
    path: str
    stall: float
    body: Body | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    meanwhile: Callable[[], None] | None = None
    within: float | None = None
    moved: Callable[[int], None] | None = None

    @property
    def until(self) -> float:
        """When the answer is to be there, by the monotonic clock, if the question is asked now."""
        return time.monotonic() + (self.stall if self.within is None else self.within)


@dataclass(frozen=True)
class Transport:
    """How a connection to a worker is made.

    Attributes:
        tls: the context of one that is made now; None for plain HTTP. A worker's server sends no session tickets (see
            :meth:`synergos.tls.files.TlsFiles.server`): one would look like the beginning of an answer that takes long.
    """

    tls: Callable[[], ssl.SSLContext] | None = None

    def connection(self, host: str, port: int, seconds: float) -> Connection:
        """A connection, not yet made, that gives up after so many seconds."""
        if self.tls is None or is_fingerprint(host):
            # Who dials out has agreed on TLS with the rendezvous.
            return Connection(host, port, timeout=seconds)
        return _TlsConnection(host, port, timeout=seconds, ssl_context=self.tls())


class Connection(HTTPConnection):
    """Speaks HTTP in as few steps as there are: a small round is no longer than those take.

    Attributes:
        where: which addresses may be connected to.
        lane: by which its requests go sealed; None where they go as they are.
    """

    where: Destinations = ANY_NODE
    lane: Lane | None = None
    _place: Place | None = None

    def _new_conn(self) -> socket.socket:
        # What the library makes its connection with, TLS or not. A worker that dials out has made it.
        if is_fingerprint(self.host):
            return self.where.claim(self.host, self.port, float(self.timeout or 0.0))
        # The name is looked up here and nowhere else: between two
        # look-ups it may come to mean something that was not checked.
        reason: OSError | None = None
        for address in self.where.addresses(self.host, self.port):
            try:
                return create_connection((address, self.port), self.timeout, self.source_address, self.socket_options)
            except OSError as error:
                reason = error
        raise reason or OSError("no address")

    def put(self, request: Request, until: float, check: Callable[[], None]) -> None:
        """Send a request. What is small goes together: every packet wakes the worker up."""
        line = Line(self.sock, request.stall, until, check, request.moved)
        if self.lane is not None:
            self._place = self.lane.next()
            request = self._sealed(request, self.lane, self._place)
        unsent = bytearray(self._head(request))
        for piece in () if request.body is None else request.body.buffers():
            if len(unsent) + len(piece) <= CHUNK_BYTES:
                unsent += piece
                continue
            if unsent:
                line.send(unsent)
            line.send(piece)
            unsent = bytearray()
        if unsent:
            line.send(unsent)

    def answer(
        self, stall: float, until: float, check: Callable[[], None], moved: Callable[[int], None] | None = None
    ) -> Response | SealedResponse:
        """Wait for the answer; ``stall`` is how many seconds may pass without a byte, now and while it is read."""
        response = Response(Line(self.sock, stall, until, check, moved))
        if self.lane is None or self._place is None:
            return response
        return SealedResponse(response, self.lane, self._place)

    @staticmethod
    def _sealed(request: Request, lane: Lane, place: Place) -> Request:
        """The request around another one, which nobody on the way can read; its header fields are always the same."""
        body = SealedBody(request, lane, place)
        path, headers = path_of(lane.channel.id, place), {"Content-Type": CONTENT_TYPE}
        return replace(request, method="POST", path=path, body=body, headers=headers)

    def _head(self, request: Request) -> bytes:
        length = "" if request.body is None else f"Content-Length: {request.body.length}\r\n"
        lines = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
        host = in_header(self.host if self.host.isascii() else self.host.encode("idna").decode())
        where = f"[{host}]" if ":" in host else host
        if not _TARGET.fullmatch(request.path):
            raise ValueError(f"a path is quoted, got {request.path!r}")
        head = f"{request.method} {request.path} HTTP/1.1\r\nHost: {where}:{self.port}\r\n{length}{lines}\r\n"
        return head.encode("ascii")


class _TlsConnection(Connection, HTTPSConnection):
    """The same over TLS."""


class WorkerClient:
    """One kept-alive connection to one port of a worker; used by one thread at a time.

    Every method, and reading an answer, raises :class:`WorkerUnreachable` when the worker is not there, falls silent or takes
    too long, and what ``check`` raises, which is called at least each :data:`~synergos_ttp.workers.line.TURN` meanwhile.
    """

    def __init__(
        self,
        node: Node,
        port: int,
        limits: Limits,
        transport: Transport | None = None,
        check: Callable[[], None] = lambda: None,
        introduction: Introduction | None = None,
    ) -> None:
        self.address = shown(node.host, port)
        self.participant = node.participant_id
        self._node = node
        self._port = port
        self._limits = limits
        self._transport = transport or Transport(limits.tls)
        self._check = check
        self._introduction = introduction
        self._connection: Connection | None = None
        self._answer: Answer | None = None
        self._lane: Lane | None = None
        # When something came by the connection last.
        self._used = 0.0
        # The channel that was lost last.
        self._lost = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def ask(self, request: Request) -> Answer:
        """Send a request; its answer, of which nothing but the status has been read yet.

        What is not read by the next request is lost, and the connection with it.
        """
        is_kept = self._is_kept()
        begun = time.monotonic()
        try:
            return self._exchange(request)
        except ChannelLost as error:
            reason = self.lost(error)
            if not self._agrees_anew():
                raise reason from error
        except _BROKEN as error:
            if not isinstance(error, TimeoutError) and time.monotonic() - begun >= _SILENT_SECONDS:
                # The other end has waited in vain for something to be confirmed.
                self._limits.packets.fell_silent(self._node.host)
            reason = self.lost(error)
            if not is_kept or isinstance(error, TimeoutError):
                raise reason from error
        except BaseException:
            # Somebody gave up; the answer would come all the same.
            self.close()
            raise
        # It was closed at the other end after the last answer, which is no sign that the worker is lost.
        return self.ask(request)

    def begin(self, request: Request) -> int | None:
        """Send a request by the connection of the one before; None when there is none.

        Returns:
            The file descriptor that becomes readable when the answer begins, which :meth:`finish` is for.
        """
        if not self._is_kept() or self._connection is None:
            return None
        # Until the answer is read this connection is of no use for anything else, also when it was not asked to the end.
        self._answer = None
        try:
            self._put(self._connection, request, request.until)
        except _BROKEN as error:
            raise self.lost(error) from error
        return int(self._connection.sock.fileno())

    def finish(self, stall: float) -> Answer:
        """The answer to the request that was begun; ``stall`` is how many seconds all of it may take."""
        if self._connection is None:
            raise self.lost()
        try:
            self._answer = Answer(self, self._connection.answer(stall, time.monotonic() + stall, self._check))
            self._used = time.monotonic()
        except _BROKEN as error:
            raise self.lost(error) from error
        return self._answer

    def close(self, *, is_broken: bool = False) -> None:
        """Let go of the connection; of a broken one, of what waits to be sent by it too."""
        connection, self._connection, self._answer = self._connection, None, None
        if connection is not None:
            if is_broken and connection.sock is not None:
                # Else what was not sent by it yet is, once the line is there again, beside what takes its place.
                connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
            connection.close()

    def lost(self, error: BaseException | None = None) -> WorkerUnreachable:
        """Let go of a connection that is of no use any more; the error that says so."""
        tls = reason_of(error)
        if self._connection is None:
            away = isinstance(error, OSError) and error.strerror if self._node.joins else None
            message = f"cannot be reached at {self.address}{f': {away}' if away else ''}"
        elif isinstance(error, Overdue):
            message = f"what it answers at {self.address} takes too long to come"
        elif isinstance(error, TimeoutError):
            message = f"no sign of life at {self.address}"
            self._limits.packets.fell_silent(self._node.host)
        elif isinstance(error, Altered):
            message = f"{self.address}: {error}"
        else:
            message = f"the connection to {self.address} was lost"
        self.close(is_broken=True)
        is_silent = isinstance(error, TimeoutError) or getattr(error, "errno", None) in _NO_WAY
        kind = WorkerSilent if is_silent else WorkerUnreachable
        return kind(message if tls is None else f"{message}: {tls}", self.participant)

    def came(self, size: int) -> None:
        """Take note that so many bytes of an answer's content did."""
        self._used = time.monotonic()
        self._limits.traffic.received(self.participant, size)

    def passed(self) -> None:
        """Take note that so much has passed that packets were as large as they may be."""
        self._limits.packets.passed(self._node.host)

    def _agrees_anew(self) -> bool:
        """Whether another channel may be agreed on in the place of one that the worker knows no more; once for each."""
        lane, self._lane = self._lane, None
        if lane is None or self._introduction is None or lane.channel.id == self._lost:
            return False
        self._lost = lane.channel.id
        self._introduction.forget(lane)
        return True

    def _is_kept(self) -> bool:
        """Whether there is a connection from the request before; one that is of no use any more is let go of."""
        if self._connection is None:
            return False
        is_over = self._answer is None or not self._answer.is_complete or self._answer.is_last
        # What lies between has forgotten it, perhaps; one that has waited, and was looked after, takes no longer.
        is_over |= self._node.joins and time.monotonic() - self._used > KEEP_ALIVE_SECONDS
        if is_over or not self._connection.is_connected:
            self.close()
        return self._connection is not None

    def _exchange(self, request: Request) -> Answer:
        connection = self._connection or self._connect()
        until = request.until
        self._put(connection, request, until)
        if request.meanwhile is not None:
            self._look_after(connection, request.meanwhile, request.stall)
        self._answer = Answer(self, connection.answer(request.stall, until, self._check, request.moved))
        self._used = time.monotonic()
        if request.body is not None and request.body.length >= _MANY_PACKETS:
            self.passed()
        return self._answer

    def _put(self, connection: Connection, request: Request, until: float) -> None:
        connection.put(request, until, self._check)
        if request.body is not None:
            self._limits.traffic.sent(self.participant, request.body.length)

    def _look_after(self, connection: Connection, meanwhile: Callable[[], None], stall: float) -> None:
        """Wait until the answer begins, with something to be done every now and then."""
        due = time.monotonic() + self._limits.long_poll
        question = Line(connection.sock, stall, math.inf, self._check)
        # Readable means that the answer begins, or that the other end has closed.
        while not wait([connection.sock], min(TURN, self._limits.long_poll)):
            # That the worker lives says nothing of a question that does not get there.
            question.await_confirmed()
            if time.monotonic() >= due:
                meanwhile()
                due = time.monotonic() + self._limits.long_poll

    def _connect(self) -> Connection:
        connection = self._transport.connection(self._node.host, self._port, self._limits.connect)
        connection.where = self._limits.where
        connection.socket_options = line_options(self._limits.packets.largest(self._node.host))
        if self._introduction is not None:
            # Before this connection is made: to show who one is takes another one.
            connection.lane = self._lane = self._introduction.lane()
        try:
            connection.connect()
        except InvalidRequest as error:
            raise WorkerMistaken(str(error), self.participant) from None
        connection.sock.settimeout(TURN)
        self._connection = connection
        return connection


class Answer:
    """What a worker says to one request, read as it comes.

    Attributes:
        status: of HTTP.
        length: of the content in bytes, 0 when the worker does not say.
        filled: bytes of the memory that was to be filled last that were, also when that failed.
    """

    def __init__(self, client: WorkerClient, response: Response | SealedResponse) -> None:
        self.status = response.status
        self.length = response.length
        self.filled = 0
        self._client = client
        self._response = response

    @property
    def is_complete(self) -> bool:
        """Whether all of it has been read."""
        return self._response.is_complete

    @property
    def is_last(self) -> bool:
        """Whether the worker closes the connection behind it."""
        return self._response.is_last

    def whole(self, largest: int) -> bytes:
        """All that is left of it.

        Raises:
            WireFormatError: that is more than ``largest`` bytes.
        """
        content = self.read(largest + 1) if self.length <= largest else b""
        if max(self.length, len(content)) > largest:
            raise WireFormatError(f"answers with more than {largest} bytes", self._client.participant)
        return content

    def read(self, size: int) -> bytes:
        """The next ``size`` bytes, fewer only at the end."""
        try:
            piece = self._response.read(size)
        except _BROKEN as error:
            raise self._client.lost(error) from error
        self._client.came(len(piece))
        return piece

    def fill(self, buffer: memoryview) -> None:
        """Read the next bytes, as many as ``buffer`` has room for."""
        self.filled = 0
        try:
            while self.filled < len(buffer):
                try:
                    count = self._response.read_into(buffer[self.filled :])
                except _BROKEN as error:
                    raise self._client.lost(error) from error
                if not count:
                    raise self._client.lost()
                self.filled += count
        finally:
            self._client.came(self.filled)
        if self.filled >= _MANY_PACKETS:
            self._client.passed()
