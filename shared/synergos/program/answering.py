"""Those who answer: threads that are handed connections by which a request is there.

Each port has threads of its own. Some of them may be held by what takes long: half of them by requests that wait for something,
a quarter by bodies that are long in coming, a quarter by answers that strangers are long in taking. What has to be answered whatever all others do (health, to cancel) has threads besides.
"""

from __future__ import annotations

import os
import select
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from gunicorn.http import wsgi
from gunicorn.http.errors import NoMoreData
from gunicorn.http.message import Request
from werkzeug.exceptions import HTTPException

from synergos.program.answer import Answer, refusal, status_of
from synergos.program.connection import CONNECTION, Connection
from synergos.program.long_bodies import Entry
from synergos.program.patience import PATIENCE, Patience
from synergos.program.request_head import Arrival, Arrived
from synergos.program.slow_answers import SlowAnswers

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

    from synergos.program.server import ServerSettings

_URGENT_THREADS = 8


class Answering:
    """The threads of a program and what they do; the methods that begin with no underscore are the main thread's.

    Args:
        settings: how many there are.
        cfg: gunicorn's.
        application: answers each request.
        is_ending: whether the program is asked to end.
        give_back: called in a thread that is done with a connection, with whether it is kept.
        log: gunicorn's.
    """

    def __init__(
        self,
        settings: ServerSettings,
        cfg: Any,
        application: WSGIApplication,
        is_ending: Callable[[], bool],
        give_back: Callable[[Connection, bool], None],
        log: Any,
    ) -> None:
        self._settings = settings
        self._cfg = cfg
        self._application = application
        self._is_ending = is_ending
        self._give_back = give_back
        self._log = log
        self._threads = {port: ThreadPoolExecutor(settings.threads, f"port {port}") for port in settings.ports}
        self._urgent_threads = ThreadPoolExecutor(_URGENT_THREADS, "urgent")
        # They count threads of a port, and are taken and given back by those.
        self._may_linger = {port: threading.BoundedSemaphore(settings.lingering(port)) for port in settings.ports}
        self._may_wait = {port: threading.BoundedSemaphore(settings.waiting) for port in settings.ports}
        self._may_watch = {port: threading.BoundedSemaphore(settings.watching) for port in settings.ports}
        self._slow_answers = {port: SlowAnswers(settings.slow_answers) for port in settings.ports}
        self._long_bodies = {port: settings.long_bodies(port) for port in settings.ports}
        # Readable once nobody is to linger any more.
        self._lingering_ends, self._end_lingering = os.pipe()

    def hand_on(self, connection: Connection, found: Arrival) -> Entry:
        """Have a request answered of which enough is there, unless it has a long body and too many of those are read."""
        if found.arrived is Arrived.BEFORE_LONG_BODY and (entry := self._admits(connection, found)) is not Entry.IN:
            return entry
        is_urgent = found.arrived is Arrived.ALL and found.line is not None and self._settings.is_urgent(found.line)
        threads = self._urgent_threads if is_urgent else self._threads[connection.port]
        threads.submit(self._serve, connection, lingers=not is_urgent)
        return Entry.IN

    def leave(self) -> None:
        """Have nobody linger any more: the program is asked to end."""
        os.write(self._end_lingering, b".")

    def close(self) -> None:
        """Begin nothing more; nobody lingers by then (:meth:`leave`)."""
        for threads in (*self._threads.values(), self._urgent_threads):
            threads.shutdown(wait=False)
        os.close(self._end_lingering)
        os.close(self._lingering_ends)

    def _admits(self, connection: Connection, found: Arrival) -> Entry:
        entry = self._long_bodies[connection.port].enter(found.length, connection.address)
        if entry is Entry.IN:
            connection.long_body = found
        return entry

    def _serve(self, connection: Connection, *, lingers: bool) -> None:
        """Answer a connection's request, and those that follow soon."""
        is_kept = False
        try:
            is_kept = self._send_rest(connection) if connection.unsent else self._answer(connection)
            while is_kept and lingers and self._comes_soon(connection):
                is_kept = self._answer(connection)
        except OSError as error:
            is_kept = False
            self._log.debug("a connection is closed: %s", type(error).__name__)
        except Exception:
            is_kept = False
            self._log.exception("a connection failed")
        finally:
            self._give_back(connection, is_kept)

    def _send_rest(self, connection: Connection) -> bool:
        """Send what there was no room for before; the connection is kept."""
        rest, connection.unsent = connection.unsent, b""
        connection.paced.begin()
        connection.paced.may_wait_for_room = partial(self._may_be_slow, connection)
        try:
            connection.paced.sendall(rest)
        finally:
            self._forget_slowness(connection)
        return True

    def _answer(self, connection: Connection) -> bool:
        """Answer one request; whether its connection is kept."""
        request = None
        connection.paced.may_wait_for_room = partial(self._may_be_slow, connection)
        try:
            request = connection.next_request(self._cfg)
            return self._handle_request(request, connection) and connection.end_request()
        except (NoMoreData, StopIteration, OSError) as error:
            self._log.debug("a connection is closed: %s", type(error).__name__)
        except (Exception, SystemExit) as error:
            self._refuse(connection, error)
        finally:
            if connection.long_body is not None:
                self._long_bodies[connection.port].leave(connection.long_body.length, connection.address)
                connection.long_body = None
            # Idle connections are many.
            connection.request = b""
            self._forget_slowness(connection)
        return False

    def _forget_slowness(self, connection: Connection) -> None:
        # It knows the connection, which would outlive its end.
        connection.paced.may_wait_for_room = None
        if connection.is_slow:
            self._slow_answers[connection.port].leave(connection.address)
            connection.is_slow = False

    def _may_be_slow(self, connection: Connection) -> bool:
        """Whether a thread may wait for an answer to be taken; it has its place until the answer's end.

        Who is known to come back needs none: a round's weights take as long as the line does.
        """
        if not (connection.is_kept or connection.is_slow):
            connection.is_slow = self._slow_answers[connection.port].enter(connection.address)
        return connection.is_kept or connection.is_slow

    def _refuse(self, connection: Connection, error: BaseException) -> None:
        message = (error.description or "") if isinstance(error, HTTPException) else str(error)
        status = status_of(error)
        if status == HTTPStatus.INTERNAL_SERVER_ERROR:
            self._log.exception("Error handling request")
            message = "something went wrong on our side; the log says what"
        with suppress(OSError):
            connection.paced.sendall(refusal(status, message))

    def _handle_request(self, request: Request, connection: Connection) -> bool:
        """Have a request answered by the application; gunicorn's own way without its hooks and access log."""
        response, environ = wsgi.create(
            request, connection.paced, connection.client, connection.server, self._cfg, response_class=Answer
        )
        environ["wsgi.multithread"] = True
        environ[CONNECTION] = connection
        environ[PATIENCE] = Patience(
            self._may_wait[connection.port],
            connection.paced.is_gone,
            is_ending=self._is_ending,
            watchers=self._may_watch[connection.port],
        )
        if self._is_ending():
            response.force_close()
        try:
            self._respond(response, environ)
            if connection.taker is not None:
                return False
        except OSError:
            raise
        except (Exception, SystemExit):
            if not response.headers_sent:
                raise
            # Another answer behind half of one would be taken for a part of it.
            self._log.exception("Error handling request")
            return False
        return not response.should_close()

    def _respond(self, response: Answer, environ: dict[str, Any]) -> None:
        pieces = self._application(environ, response.start_response)
        try:
            if environ[CONNECTION].taker is not None:
                # It was answered by who had it handed over.
                return
            if isinstance(pieces, wsgi.FileWrapper):
                response.write_file(pieces)
            else:
                for piece in pieces:
                    response.write(piece)
            response.close()
        finally:
            if hasattr(pieces, "close"):
                pieces.close()

    def _comes_soon(self, connection: Connection) -> bool:
        """Whether a request comes by a connection before it is left to the main thread."""
        if connection.has_more:
            connection.receive()
        if connection.data and (can_be_answered := self._can_be_answered(connection)) is not None:
            return can_be_answered
        may_linger = self._may_linger[connection.port]
        if connection.comes_later or not may_linger.acquire(blocking=False):
            return False
        try:
            return self._linger(connection)
        finally:
            may_linger.release()

    def _linger(self, connection: Connection) -> bool:
        poll = select.poll()
        poll.register(connection.socket, select.POLLIN)
        # Looking at it now and then instead would wake up a thread for each connection that is watched by.
        poll.register(self._lingering_ends, select.POLLIN)
        deadline = time.monotonic() + self._settings.linger
        here = connection.socket.fileno()
        while not self._is_ending() and (left := deadline - time.monotonic()) > 0:
            if all(ready != here for ready, _ in poll.poll(1000 * left)) or not connection.receive():
                return False
            if (can_be_answered := self._can_be_answered(connection)) is not None:
                return can_be_answered
        return False

    def _can_be_answered(self, connection: Connection) -> bool | None:
        """Whether the request that comes can be answered now; None while too little of it is there to say so."""
        found = connection.arrival()
        match found.arrived:
            case Arrived.ALL:
                return True
            case Arrived.BEFORE_LONG_BODY:
                return self._admits(connection, found) is Entry.IN
            case Arrived.PART_OF_HEAD | Arrived.PART_OF_BODY:
                return None
            case _:
                return False
