"""Where connections are received: the main thread waits for all of them at once, and for none of them longer than is right.

A thread is handed a connection when all of a request is there, apart from long bodies. Whoever sends half of one, or nothing, has
no thread but a place here, which is lost after some seconds, or when others want it.
"""

from __future__ import annotations

import selectors
import socket
import ssl
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, cast

from gunicorn.workers.gthread import PollableMethodQueue

from synergos.program.answer import refusal
from synergos.program.connection import Connection
from synergos.program.failed_handshakes import FailedHandshakes
from synergos.program.listeners import Listeners
from synergos.program.long_bodies import Entry
from synergos.program.open_connections import ConnectionLimits, OpenConnections, Parked
from synergos.program.paced_socket import NOT_YET
from synergos.program.patience import RETRY_SECONDS
from synergos.program.request_head import Arrival, Arrived, is_short_head

if TYPE_CHECKING:
    from synergos.program.server import ServerSettings

Step = Callable[[Connection], None]

_SWEEP_SECONDS = 1.0
_LEAVING_SECONDS = 2.0
"""So long a program that ends still has connections by which nothing is asked."""
_CLOSING_SECONDS = 5.0
_DISCARDED = 2**25
"""Bytes that are thrown away of a request that was refused, so that whoever sends them learns why."""


class Reception:
    """The connections that no thread has. Only the main thread calls its methods, except for :meth:`give_back`.

    Args:
        settings: how long it waits.
        limits: how many there may be.
        context: the context of a TLS connection that begins now; None for plain HTTP.
        hand_on: has a request answered in a thread, unless there is no place for its long body now.
        log: gunicorn's.
        by_heart: see :class:`~synergos.program.by_heart.ByHeart`; None where nothing is known so.
    """

    def __init__(
        self,
        settings: ServerSettings,
        limits: ConnectionLimits,
        context: Callable[[], ssl.SSLContext] | None,
        hand_on: Callable[[Connection, Arrival], Entry],
        log: Any,
        by_heart: Callable[[int, str, bytes], bytes | None] | None = None,
    ) -> None:
        self._by_heart = by_heart
        self._settings = settings
        self._context = context
        self._try_to_hand_on = hand_on
        self._log = log
        self._open = OpenConnections(limits)
        self._poller = selectors.DefaultSelector()
        self._handshakes = ThreadPoolExecutor(2, "handshake")
        self._failed_handshakes = FailedHandshakes()
        self._is_leaving = False
        self._swept = 0.0
        self._listeners = Listeners(self._poller, self._receive, lambda: self._make_room(""), log)
        # By port, those that wait for a place for their long bodies; who came first is the first.
        self._lines: dict[int, dict[Connection, Arrival]] = {port: {} for port in settings.ports}
        # From other threads to this one, which wakes up.
        self._calls = PollableMethodQueue()
        self._calls.init()
        self._poller.register(self._calls.fileno(), selectors.EVENT_READ, self._calls.run_callbacks)

    def __len__(self) -> int:
        """How many connections are open, those that threads have among them."""
        return len(self._open)

    def listen(self, listener: Any) -> None:
        """Accept connections."""
        self._listeners.add(listener)

    def adopt(self, connected: socket.socket, client: Any, server: Any) -> None:
        """Serve a connection that this program has made itself as one that it has accepted; any thread may call it.

        Args:
            connected: TLS, if it is to be, with its handshake done.
            client: whom it is counted for, and who is named in the log.
            server: the port of this program that it stands for, behind any host.
        """
        connected.setblocking(False)
        self._calls.defer(self._do, self._receive_adopted, Connection(connected, client, server))

    def leave(self, listeners: Iterable[Any]) -> None:
        """Accept no more, and wait only for what is on its way."""
        self._is_leaving = True
        self._listeners.close(listeners)
        for connection in self._open.parked():
            connection.deadline = min(connection.deadline, self._deadline(_LEAVING_SECONDS))

    def turn(self, seconds: float = _SWEEP_SECONDS) -> None:
        """Wait until something happens, so many seconds at most, and do what there is to do."""
        for key, _ in self._poller.select(min(seconds, self._listeners.patience)):
            key.data(key.fileobj)
        self._listeners.resume(now := time.monotonic())
        if now - self._swept >= min(seconds, _SWEEP_SECONDS):
            self._swept = now
            self._sweep(now)

    def wake(self) -> None:
        """Have a turn end; called in signal handlers."""
        self._calls.defer(lambda: None)

    def give_back(self, connection: Connection, is_kept: bool) -> None:
        """A thread has answered; called in that thread."""
        self._calls.defer(self._do, partial(self._served, is_kept), connection)

    def close(self) -> None:
        """Begin nothing more."""
        self._handshakes.shutdown(wait=False)

    def _receive(self, connection: Connection) -> None:
        """Somebody has connected."""
        if not self._open.has_room(connection.address) and not self._make_room(connection.address):
            self._turn_away(connection)
            return
        self._open.add(connection)
        self._do(self._welcome, connection)

    def _receive_adopted(self, connection: Connection) -> None:
        if self._is_leaving or not (self._open.has_room(connection.address) or self._make_room(connection.address)):
            connection.socket.close()
            return
        self._open.add(connection)
        self._await_request(connection, Parked.UNFINISHED)

    def _welcome(self, connection: Connection) -> None:
        if self._context is not None:
            self._park(connection, Parked.UNFINISHED, self._settings.request_seconds, self._greet)
        else:
            self._await_request(connection, Parked.UNFINISHED)

    def _make_room(self, address: str) -> bool:
        """Close a connection that gives way to one from an address; whether there was one."""
        oldest = self._open.gives_way(address)
        if oldest is not None:
            self._close(oldest)
        return oldest is not None

    def _turn_away(self, connection: Connection) -> None:
        if self._context is None:
            message = "too many connections are open; ask again when some of them are closed"
            _tell(connection, refusal(HTTPStatus.SERVICE_UNAVAILABLE, message, Retry_After=str(RETRY_SECONDS)))
        with suppress(OSError):
            connection.socket.close()

    def _park(
        self, connection: Connection, reason: Parked, seconds: float, then: Step, event: int = selectors.EVENT_READ
    ) -> None:
        """Wait for a connection to be ready, so many seconds at most."""
        connection.deadline = self._deadline(seconds)
        self._open.park(connection, reason)
        self._poller.register(connection.socket, event, partial(self._ready, connection, then))

    def _ready(self, connection: Connection, then: Step, _: object) -> None:
        """Something happens at a connection; it may have been closed since the poller said so."""
        if self._open.reason(connection) is not None:
            self._do(then, connection)

    def _do(self, step: Step, connection: Connection) -> None:
        """Go on with a connection; what goes wrong is no other's trouble."""
        try:
            step(connection)
        except Exception:
            self._log.exception("a connection failed")
            if connection in self._open:
                self._close(connection)

    def _deadline(self, seconds: float) -> float:
        return time.monotonic() + (min(seconds, _LEAVING_SECONDS) if self._is_leaving else seconds)

    def _take(self, connection: Connection) -> None:
        """Wait no longer for a connection."""
        self._lines[connection.port].pop(connection, None)
        if self._open.reason(connection) is not None:
            with suppress(KeyError, ValueError):
                self._poller.unregister(connection.socket)
        self._open.take(connection)

    def _close(self, connection: Connection) -> None:
        self._take(connection)
        self._open.remove(connection)
        with suppress(OSError):
            connection.socket.close()

    def _sweep(self, now: float) -> None:
        for connection in self._open.parked():
            if connection.deadline <= now:
                self._do(self._expire, connection)
        for port in self._lines:
            self._let_in(port)

    def _expire(self, connection: Connection) -> None:
        """Close a connection by which nothing came for too long; whoever has sent a part of something is told."""
        match self._open.reason(connection):
            case Parked.UNFINISHED if connection.data:
                message = (
                    f"the request came too slowly: expected all of it within {self._settings.request_seconds:g} seconds"
                )
                _tell(connection, refusal(HTTPStatus.REQUEST_TIMEOUT, message))
            case Parked.IN_LINE:
                message = "too many requests with long bodies are read; ask again when some of them are answered"
                _tell(connection, refusal(HTTPStatus.SERVICE_UNAVAILABLE, message, Retry_After=str(RETRY_SECONDS)))
                self._end(connection)
                return
        self._close(connection)

    # Handshakes

    def _greet(self, connection: Connection) -> None:
        """Have a step of a handshake done; it takes too long for this thread, and does not wait."""
        deadline = connection.deadline
        self._take(connection)
        self._handshakes.submit(self._shake_hands, connection, deadline)

    def _shake_hands(self, connection: Connection, deadline: float) -> None:
        """Do what can be done of a handshake now; called in a thread for it."""
        event = 0
        try:
            line = connection.socket
            if self._context is not None and not isinstance(line, ssl.SSLSocket):
                if connection.begins_plain():
                    self._calls.defer(self._do, self._say_that_it_is_tls, connection)
                    return
                # Asked for each time, so that a certificate that was renewed is shown.
                line = connection.wrap(self._context())
            cast("ssl.SSLSocket", line).do_handshake()
        except ssl.SSLWantReadError:
            event = selectors.EVENT_READ
        except ssl.SSLWantWriteError:
            event = selectors.EVENT_WRITE
        except (OSError, ValueError) as error:
            self._calls.defer(self._do, partial(self._give_up_greeting, error), connection)
            return
        self._calls.defer(self._do, partial(self._go_on_greeting, deadline, event), connection)

    def _give_up_greeting(self, error: Exception, connection: Connection) -> None:
        self._failed_handshakes.note(connection.address, error)
        # What the library has sent says why, and would be lost if something unread were left behind.
        self._end(connection)

    def _say_that_it_is_tls(self, connection: Connection) -> None:
        _tell(connection, refusal(HTTPStatus.BAD_REQUEST, "this port speaks TLS: ask it by https://"))
        self._end(connection)

    def _go_on_greeting(self, deadline: float, event: int, connection: Connection) -> None:
        if event:
            left = deadline - time.monotonic()
            self._park(connection, Parked.UNFINISHED, max(0.0, left), self._greet, event)
        else:
            self._await_request(connection, Parked.UNFINISHED)

    # Requests that come

    def _await_request(self, connection: Connection, reason: Parked) -> None:
        """Wait for a request; some of it may be there."""
        if connection.data or connection.has_more:
            self._look_at(connection, reason)
        else:
            self._park(connection, reason, self._idle_seconds(reason), self._arrives)

    def _idle_seconds(self, reason: Parked) -> float:
        match reason:
            case Parked.KEPT:
                return float(self._settings.keep_alive)
            case Parked.IDLE:
                return float(self._settings.idle_seconds)
            case _:
                return float(self._settings.request_seconds)

    def _arrives(self, connection: Connection) -> None:
        """Something has come by a connection that is waited for."""
        is_first = not connection.data
        try:
            is_open = connection.receive()
        except OSError:
            is_open = False
        if is_first and connection.data:
            # A part of a TLS record is nothing yet: otherwise it would give as much time as one likes.
            connection.deadline = self._deadline(self._settings.request_seconds)
        if not is_open:
            # Half of a request cannot be answered, and no answer to a whole one would be read.
            self._close(connection)
        else:
            self._judge(connection)

    def _look_at(self, connection: Connection, reason: Parked) -> None:
        """The same for what is in memory already."""
        self._park(connection, reason, self._settings.request_seconds, self._arrives)
        if connection.has_more:
            self._arrives(connection)
        else:
            self._judge(connection)

    def _judge(self, connection: Connection) -> None:
        """Hand on a request of which enough is there; the time for what is missing began with its first byte."""
        found = connection.arrival()
        match found.arrived:
            case Arrived.ALL if (answer := self._known_answer(connection)) is not None:
                self._answer(connection, found, answer)
            case Arrived.ALL | Arrived.BEFORE_LONG_BODY:
                self._hand_on(connection, found)
            case Arrived.ENDLESS_HEAD:
                _tell(
                    connection,
                    refusal(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "the request has no end of its header"),
                )
                self._end(connection)
            case _:
                if self._open.reason(connection) is not Parked.UNFINISHED:
                    self._take(connection)
                    self._park(connection, Parked.UNFINISHED, self._settings.request_seconds, self._arrives)
                self._hold(connection)

    def _known_answer(self, connection: Connection) -> bytes | None:
        # By a program that ends an answer says that the connection is closed.
        if self._by_heart is None or self._is_leaving or not is_short_head(connection.data):
            return None
        return self._by_heart(connection.port, str(connection.client[0]), bytes(connection.data))

    def _answer(self, connection: Connection, found: Arrival, answer: bytes) -> None:
        """Send a whole answer; what there is no room for now takes a thread, which waits for it."""
        try:
            sent = connection.socket.send(answer)
        except NOT_YET:
            sent = 0
        except OSError:
            self._close(connection)
            return
        connection.data = b""
        if sent < len(answer):
            connection.unsent = answer[sent:]
            # What is asked by it next may be known as well, which the thread would not see.
            connection.comes_later = True
            self._hand_on(connection, found)
            return
        # It is waited for as before.
        reason = Parked.KEPT if connection.is_kept else Parked.IDLE
        connection.deadline = self._deadline(self._idle_seconds(reason))
        self._open.park(connection, reason)

    def _hold(self, connection: Connection) -> None:
        """What has come of a request stays in memory; where that is too much of all, the oldest ones go."""
        self._open.hold(connection, len(connection.data))
        for each in self._open.in_the_way():
            self._close(each)

    def _hand_on(self, connection: Connection, found: Arrival) -> None:
        self._take(connection)
        if found.arrived is not Arrived.BEFORE_LONG_BODY:
            self._try_to_hand_on(connection, found)
            return
        self._open.park(connection, Parked.IN_LINE)
        connection.deadline = self._deadline(self._settings.request_seconds)
        self._lines[connection.port][connection] = found
        self._let_in(connection.port)
        if self._open.reason(connection) is not None:
            self._hold(connection)

    def _let_in(self, port: int) -> None:
        """Hand on those in line for which there is a place now; nobody passes another one for whose address there is one."""
        let_in = []
        have_their_share = set()
        for connection, found in self._lines[port].items():
            if connection.address in have_their_share:
                continue
            entry = self._try_to_hand_on(connection, found)
            if entry is Entry.NONE:
                break
            if entry is Entry.IN:
                let_in.append(connection)
            else:
                have_their_share.add(connection.address)
        for connection in let_in:
            self._take(connection)

    def _served(self, is_kept: bool, connection: Connection) -> None:
        """A thread gives a connection back."""
        if connection.taker is not None:
            self._hand_over(connection, connection.taker)
        elif is_kept:
            self._await_request(connection, Parked.KEPT if connection.is_kept else Parked.IDLE)
        else:
            self._end(connection)
        self._let_in(connection.port)

    def _hand_over(self, connection: Connection, taker: Callable[[socket.socket], None]) -> None:
        """Let another have it; it is neither closed here nor counted any more."""
        self._take(connection)
        self._open.remove(connection)
        taker(connection.socket)

    def _end(self, connection: Connection) -> None:
        """Close a connection behind its last answer: the answer would be lost if something unread were left behind."""
        self._take(connection)
        connection.to_discard = _DISCARDED
        try:
            connection.socket.shutdown(socket.SHUT_WR)
            self._park(connection, Parked.CLOSING, _CLOSING_SECONDS, self._discard)
        except (OSError, ValueError):
            self._close(connection)

    def _discard(self, connection: Connection) -> None:
        try:
            goes_on = connection.discard()
        except OSError:
            goes_on = False
        if not goes_on:
            self._close(connection)


def _tell(connection: Connection, answer: bytes) -> None:
    """Send a short answer, unless there is no room for it."""
    with suppress(OSError):
        connection.socket.send(answer)
