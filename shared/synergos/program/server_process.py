"""How a program's server answers: gunicorn's threads, and what they need not do again for each small request of a round."""

from __future__ import annotations

import select
import threading
import time
from typing import TYPE_CHECKING, Any

from gunicorn import util
from gunicorn.http import wsgi
from gunicorn.http.message import Request
from gunicorn.http.parser import RequestParser
from gunicorn.workers.gthread import TConn, ThreadWorker

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

_LOOK = 0.25
_SMALL_REQUEST = 2**16
"""Bytes that are taken from a connection at once when the next request is there: as a whole, if it is small."""


class _Response(wsgi.Response):  # type: ignore[misc]
    """Sends the head of an answer together with the first piece of its body: every packet wakes up who waits for it."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._unsent = b""
        self._joins = True

    def send_headers(self) -> None:
        """Make the head, and send it with what comes next."""
        if self.headers_sent or self._unsent:
            return
        lines = [*self.default_headers(), *(f"{name}: {value}\r\n" for name, value in self.headers), "\r\n"]
        self._unsent = "".join(lines).encode("latin-1")
        if not self._joins:
            self._send(b"")

    def sendfile(self, respiter: wsgi.FileWrapper) -> bool:
        """Have the system send a file, which goes past this process."""
        self._joins = False
        return bool(super().sendfile(respiter))

    def close(self) -> None:
        """Send what was not, and the end."""
        self.send_headers()
        if self._unsent:
            self._send(b"")
        super().close()

    def _emit_body(self, data: bytes) -> None:
        if self._unsent:
            self._send(b"%X\r\n%b\r\n" % (len(data), data) if self.chunked else data)
        else:
            super()._emit_body(data)

    def _send(self, data: bytes) -> None:
        self.headers_sent = True
        unsent, self._unsent = self._unsent, b""
        self.sock.sendall(unsent + data)


class _NextRequest(Request):  # type: ignore[misc]
    """A request by a connection that has brought one before, most probably with the same header fields."""

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


class ServerProcess(ThreadWorker):  # type: ignore[misc]
    """A gunicorn worker that tells the service first when it is asked to stop, and whose threads wait for what comes next.

    gunicorn hands a connection back to its main thread after each answer, which hands it to a thread again: two threads to
    wake up for each of a round's small requests, as much as all else that is done with one. Requests by a connection that is
    kept are alike, and so they are read; an answer begins with what it holds, in one packet.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._linger = self.app.settings.linger
        # Counts threads of the pool; the others are for those who come anew.
        self._may_linger = threading.BoundedSemaphore(max(1, self.cfg.threads // 2))

    def handle(self, conn: TConn) -> object:
        """Answer a connection's request, and those that follow soon; called in a thread of the pool."""
        kept = super().handle(conn)
        if kept is True and isinstance(conn.parser, RequestParser):
            conn.parser.mesg_class = _NextRequest
            conn.parser.unreader.mxchunk = _SMALL_REQUEST
        while kept is True and self._comes_soon(conn):
            kept = super().handle(conn)
        return kept

    def handle_request(self, req: Request, conn: TConn) -> bool:
        """Answer one request; whether its connection is kept. gunicorn's own way without its hooks and access log."""
        response, environ = wsgi.create(req, conn.sock, conn.client, conn.server, self.cfg, response_class=_Response)
        environ["wsgi.multithread"] = True
        if not self.alive or len(self.keepalived_conns) >= self.max_keepalived:
            response.force_close()
        try:
            self._respond(response, environ)
        except OSError:
            raise
        except (Exception, SystemExit):
            if not response.headers_sent:
                raise
            # Another answer behind half of one would be taken for a part of it.
            self.log.exception("Error handling request")
            util.close_graceful(conn.sock)
            raise StopIteration from None
        return not response.should_close()

    def _respond(self, response: _Response, environ: WSGIEnvironment) -> None:
        pieces = self.wsgi(environ, response.start_response)
        try:
            if isinstance(pieces, wsgi.FileWrapper):
                response.write_file(pieces)
            else:
                for piece in pieces:
                    response.write(piece)
            response.close()
        finally:
            if hasattr(pieces, "close"):
                pieces.close()

    def _comes_soon(self, conn: TConn) -> bool:
        """Whether a connection has its next request ready before it is left to the main thread."""
        if not self._may_linger.acquire(blocking=False):
            return False
        try:
            poll = select.poll()
            poll.register(conn.sock, select.POLLIN)
            deadline = time.monotonic() + self._linger
            # Looked at in between, so that a program that is asked to end does not wait for this.
            while self.alive and (left := deadline - time.monotonic()) > 0:
                if poll.poll(1000 * min(left, _LOOK)):
                    return True
            return False
        finally:
            self._may_linger.release()

    def handle_exit(self, sig: int, frame: object) -> None:
        """Tell the service first that the program is asked to end."""
        service = self.app.service
        if self.alive and service is not None:
            # Not in the signal handler itself: stopping takes locks that the interrupted code may hold.
            threading.Thread(target=service.stop, name="stop").start()
        super().handle_exit(sig, frame)

    def handle_quit(self, sig: int, frame: object) -> None:
        """The same: requests in flight are answered."""
        self.handle_exit(sig, frame)
