"""Answers on the wire: as few packets as there can be, and errors of HTTP itself in the form that all errors have."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

from gunicorn.http import errors, wsgi
from werkzeug.exceptions import HTTPException

from synergos.program.api_version import API_VERSION

_LONGEST = 200
_STATUSES: dict[type[BaseException], HTTPStatus] = {
    errors.LimitRequestLine: HTTPStatus.REQUEST_URI_TOO_LONG,
    errors.LimitRequestHeaders: HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    errors.UnsupportedTransferCoding: HTTPStatus.NOT_IMPLEMENTED,
    errors.ExpectationFailed: HTTPStatus.EXPECTATION_FAILED,
    # The application's own.
    errors.InvalidResponseHeader: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.InvalidResponseHeaderName: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.ParseException: HTTPStatus.BAD_REQUEST,
}


def status_of(error: BaseException) -> HTTPStatus:
    """The status of a request that cannot be read, or that failed where nobody answered for it."""
    if isinstance(error, HTTPException):
        return HTTPStatus(error.code or HTTPStatus.INTERNAL_SERVER_ERROR)
    known = (_STATUSES[kind] for kind in type(error).__mro__ if kind in _STATUSES)
    return next(known, HTTPStatus.INTERNAL_SERVER_ERROR)


def refusal(status: int, message: str, **fields: str) -> bytes:
    """A whole answer that says what was wrong with a request, after which the connection is closed.

    Args:
        fields: of its header, with underscores for hyphens.
    """
    told = {"apiVersion": API_VERSION, "success": 0, "status": int(status), "message": message[:_LONGEST]}
    body = (json.dumps(told) + "\n").encode()
    lines = [
        f"HTTP/1.1 {int(status)} {HTTPStatus(status).phrase}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        "Connection: close",
        *(f"{name.replace('_', '-')}: {value}" for name, value in fields.items()),
    ]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


class Answer(wsgi.Response):  # type: ignore[misc]
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
        if self.sock.is_tls:
            return False
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
