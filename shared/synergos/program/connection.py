"""A client's connection, from the moment it is accepted until it is closed."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from ipaddress import IPv6Address, ip_address
from typing import TYPE_CHECKING, Any

from gunicorn.http.body import LengthReader
from gunicorn.http.message import Request
from gunicorn.http.parser import RequestParser

from synergos.program.paced_socket import NOT_YET, RECEIVING, SENDING, PacedSocket
from synergos.program.request_head import SMALL_BODY, Arrival, arrival, is_short_head
from synergos.program.socket_options import AT_ONCE, look_after

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

CONNECTION = "synergos.connection"
"""Where a request's environment has its connection."""

_PIECE = 2**16
_MOST = 2 * SMALL_BODY + _PIECE
"""Bytes of a request with which it is surely known what to do next."""


class NextRequest(Request):  # type: ignore[misc]
    """A request by a connection that may have brought one before, most probably with the same header fields."""

    def parse_headers(self, data: bytes, from_trailer: bool = False) -> list[tuple[str, str]]:
        """What gunicorn makes of header fields; it depends on nothing but them, the connection and the settings."""
        known, found, scheme = getattr(self.unreader, "header_fields", (None, [], ""))
        if data == known and not from_trailer:
            self.scheme = scheme
            return list(found)
        found = super().parse_headers(data, from_trailer)
        if not from_trailer and not self._expected_100_continue:
            self.unreader.header_fields = (data, tuple(found), self.scheme)
        return list(found)


class Connection:
    """A connection; the main thread has it or a thread that answers, never both.

    Attributes:
        socket: non-blocking; TLS once the handshake has begun.
        client: address and port of the other end.
        server: address and port that it has connected to.
        deadline: when the main thread closes it unless something happens, by the monotonic clock.
        is_kept: whether it is of somebody who is known to come back, and may be idle for long.
        is_watched: whether the system looks after its line.
        long_body: the request at hand, if it has one of the places for those with long bodies.
        is_slow: whether the answer at hand has one of the places for those that are taken slowly.
        to_discard: bytes that are still read from it, and thrown away, after the last answer.
        request: the one at hand, where it is a short head and nothing came behind it; else nothing.
        unsent: of the answer to the last request, what is to be sent first.
        comes_later: whether whoever asks by it asks again later than a thread waits for.
        taker: who is handed its socket once its thread gives it back; from then on it is no connection of this program's server.
    """

    def __init__(self, connection: socket.socket, client: Any, server: Any) -> None:
        self.socket = connection
        self.client = client
        self.server = server
        self.address = origin_of(client)
        self.deadline = 0.0
        self.is_kept = False
        self.is_watched = False
        self.long_body: Arrival | None = None
        self.is_slow = False
        self.to_discard = 0
        self.taker: Callable[[socket.socket], None] | None = None
        self.data: bytes | bytearray = b""
        self.request = b""
        self.unsent = b""
        self.comes_later = False
        self._parser: RequestParser | None = None
        self._paced: PacedSocket | None = None

    @property
    def port(self) -> int:
        """The port of this program that it has connected to."""
        return int(self.server[1])

    @property
    def paced(self) -> PacedSocket:
        """The socket for those who answer."""
        if self._paced is None:
            is_tls = isinstance(self.socket, ssl.SSLSocket)
            paces = (pace.by_records() if is_tls else pace for pace in (RECEIVING, SENDING))
            self._paced = PacedSocket(self.socket, *paces)
        return self._paced

    @property
    def has_more(self) -> bool:
        """Whether TLS has read more than it has given out, of which no poller knows."""
        return isinstance(self.socket, ssl.SSLSocket) and self.socket.pending() > 0

    def begins_plain(self) -> bool:
        """Whether what has come is the beginning of a request, and not of TLS.

        Raises:
            OSError: the connection is broken, or nothing has come.
        """
        return self.socket.recv(1, socket.MSG_PEEK).isalpha()

    def wrap(self, context: ssl.SSLContext) -> ssl.SSLSocket:
        """Begin to speak TLS; the handshake is still to be done."""
        wrapped = context.wrap_socket(
            self.socket, server_side=True, do_handshake_on_connect=False, suppress_ragged_eofs=True
        )
        self.socket = wrapped
        return wrapped

    def receive(self) -> bool:
        """Take what has come, without waiting; whether the other end may send more.

        Raises:
            OSError: the connection is broken.
        """
        is_tls = isinstance(self.socket, ssl.SSLSocket)
        while len(self.data) <= _MOST:
            try:
                piece = self.socket.recv(_PIECE)
            except NOT_YET:
                return True
            if not piece:
                return False
            # What comes in one piece, as most requests do, is copied nowhere.
            if self.data:
                self.data = self.data if isinstance(self.data, bytearray) else bytearray(self.data)
                self.data += piece
            else:
                self.data = piece
            # What TLS has read beyond this makes no socket readable; of others one learns that there is more.
            if not is_tls:
                return True
        return True

    def discard(self) -> bool:
        """Throw away what has come; whether more may come that is to be thrown away.

        Raises:
            OSError: the connection is broken.
        """
        try:
            count = len(self.socket.recv(_PIECE))
        except NOT_YET:
            return True
        self.to_discard -= count
        return count > 0 and self.to_discard > 0

    def arrival(self) -> Arrival:
        """What is there of the next request."""
        return arrival(self.data)

    def next_request(self, cfg: Any) -> Request:
        """The request whose beginning was received.

        Raises:
            StopIteration: there is none.
            gunicorn.http.errors.ParseException: it is none.
            werkzeug.exceptions.RequestTimeout: it does not come to an end.
        """
        if self._parser is None:
            self._parser = RequestParser(cfg, self.paced, self.client)
            self._parser.mesg_class = NextRequest
        self.paced.begin()
        self.request = bytes(self.data) if is_short_head(self.data) else b""
        self._parser.unreader.unread(self.data)
        self.data = b""
        return next(self._parser)

    def give_up(self) -> None:
        """Have the thread that reads or writes find it broken, and send nothing more of what waits to be; any thread may call this."""
        with suppress(OSError):
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
            # Not TLS's own: another thread is in the middle of something.
            socket.socket.shutdown(self.socket, socket.SHUT_RDWR)

    def end_request(self) -> bool:
        """Take back what has come of the next request; False when the last one was not read to its end, as far as is known."""
        if self._parser is None or self._parser.mesg is None:
            return False
        body, unreader = self._parser.mesg.body, self._parser.unreader
        if body.failed:
            return False
        if isinstance(body.reader, LengthReader):
            if body.reader.length > unreader.buf.getbuffer().nbytes:
                return False
            body.reader.read(body.reader.length)
        elif body.reader.parser is not None:
            # In chunks, whose end is known only when it was read.
            return False
        self.data += unreader.take_buffered()
        return True


def keep_open(environ: WSGIEnvironment) -> None:
    """Have the connection of a request stay open though it is idle for long: who asks is known, and comes back."""
    connection = environ.get(CONNECTION)
    if connection is not None:
        connection.is_kept = True
        watch_line(environ)


def watch_line(environ: WSGIEnvironment) -> None:
    """Have the system see to it that the connection of a request is noticed to be cut, and is not forgotten on the way while it is idle."""
    connection = environ.get(CONNECTION)
    if connection is not None and not connection.is_watched:
        connection.is_watched = True
        look_after(connection.socket)


def giving_up(environ: WSGIEnvironment) -> Callable[[], None]:
    """What has the thread that a request is answered in find its connection broken; nothing where it has none of its own."""
    connection = environ.get(CONNECTION)
    return _nothing if connection is None else connection.give_up


def _nothing() -> None:
    pass


def hand_over(environ: WSGIEnvironment, head: bytes, taker: Callable[[socket.socket], None]) -> None:
    """Answer a request, and let another have its connection from then on.

    Args:
        head: all of the answer, which says that the protocol changes.
        taker: called with the socket, non-blocking, in the main thread, which waits for it.

    Raises:
        OSError: the connection is broken.
        RuntimeError: it is no connection of this server's.
    """
    connection = environ.get(CONNECTION)
    if connection is None:
        raise RuntimeError("the server hands no connections over")
    connection.paced.sendall(head)
    connection.taker = taker


def origin_of(client: Any) -> str:
    """Whom a connection is counted for: an address; with IPv6 the network that one household or machine is given."""
    host = str(client[0]).partition("%")[0] if isinstance(client, tuple) else str(client)
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(IPv6Address(int(address) >> 64 << 64))
    return str(address)
