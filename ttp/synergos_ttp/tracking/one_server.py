"""What MLflow's client is let to reach: one server, at the addresses that were checked, and no more of its answers than they need.

MLflow asks by ``requests``, of which it has a session of its own that nobody can hand to it. So the two places through which every
request of this process goes, one that sends and one that connects, ask here first.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from requests import PreparedRequest, RequestException, Response
from requests.adapters import HTTPAdapter
from urllib3.util import Retry, connection

if TYPE_CHECKING:
    from synergos.tls.secured import Secured

LARGEST_ANSWERS = 2**23
"""Bytes of all answers while one batch of notes is written: losses of 100,000 rounds, which an interrupted training asks for, are some."""
MOST_ENTRIES = 400_000
"""Entries of lists and objects in one answer: each takes many times more memory than its text."""
# A kept connection may have been closed meanwhile. What a server says about when to ask again is not waited for.
_RETRY = Retry(total=1, redirect=0, status=0, allowed_methods=None, respect_retry_after_header=False)

_send, _connect = HTTPAdapter.send, connection.create_connection


class Strayed(RequestException):
    """A server wants what it may not: to send its client elsewhere, or to be read without end."""


@dataclass
class OneServer:
    """A server, as long as one batch of notes is written.

    Attributes:
        address: ``http://host:port``; None where no server may be reached at all.
        connect_to: addresses to connect to; None to look up its name.
        tls: whom to believe, and what to show; None for whom the library believes.
        left: how many bytes may still come from it.
    """

    address: str | None
    connect_to: tuple[str, ...] | None = None
    tls: Secured | None = None
    left: int = field(default=LARGEST_ANSWERS, init=False)

    def has(self, url: str) -> bool:
        """Whether an URL is of this server."""
        if self.address is None:
            return False
        asked, own = urlsplit(url), urlsplit(self.address)
        return (asked.scheme, asked.hostname, asked.port) == (own.scheme, own.hostname, own.port)

    def content_of(self, response: Response) -> bytes:
        """The content of an answer, as it came.

        Raises:
            Strayed: it is elsewhere, packed, or too much.
        """
        if HTTPStatus.MULTIPLE_CHOICES <= response.status_code < HTTPStatus.BAD_REQUEST:
            raise Strayed(f"answered with status {response.status_code}, which leads elsewhere")
        if response.headers.get("Content-Encoding", "identity").strip().lower() not in ("identity", ""):
            # It was asked not to: a thousandth of what comes out goes in.
            raise Strayed("answered with a packed content, which nobody asked for")
        content: bytes = response.raw.read(self.left + 1, decode_content=False)
        self.left -= len(content)
        if self.left < 0 or sum(map(content.count, (b",", b"[", b"{"))) > MOST_ENTRIES:
            raise Strayed("answered with more than it was asked for")
        return content


# Of the thread that writes. Where nothing is set, as for others that use the library, it is what it always was.
_only: ContextVar[OneServer | None] = ContextVar("only", default=None)


@contextmanager
def only(server: OneServer) -> Iterator[None]:
    """Have this thread reach nothing but one server."""
    HTTPAdapter.send = _guarded_send  # type: ignore[method-assign]
    connection.create_connection = _guarded_connect
    token = _only.set(server)
    try:
        yield
    finally:
        _only.reset(token)


def _guarded_send(self: HTTPAdapter, request: PreparedRequest, *arguments: Any, **options: Any) -> Response:
    server = _only.get()
    if server is None:
        return _send(self, request, *arguments, **options)
    if not server.has(request.url or ""):
        raise Strayed("another server than the collaboration's")
    request.headers["Accept-Encoding"] = "identity"
    # Else whole answers are read before another try, and waited for as long as they say.
    self.max_retries = _RETRY
    if server.tls is not None:
        # The same context until its files change, so that connections are kept; the library knows of no list of revocations.
        self.poolmanager.connection_pool_kw["ssl_context"] = server.tls.client()
        options["verify"] = str(server.tls.files.authority)
    # A proxy would look up the name again.
    response = _send(self, request, *arguments, **{**options, "proxies": {}, "stream": True})
    try:
        content = server.content_of(response)
    finally:
        response.close()
    response.raw = io.BytesIO(content)
    return response


def _guarded_connect(address: tuple[str, int], *arguments: Any, **options: Any) -> Any:
    server = _only.get()
    if server is None or server.connect_to is None:
        return _connect(address, *arguments, **options)
    reason: OSError | None = None
    for each in server.connect_to:
        try:
            return _connect((each, address[1]), *arguments, **options)
        except OSError as error:
            reason = error
    raise reason or OSError("no address")
