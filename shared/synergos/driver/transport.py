"""One HTTP request to an orchestrator, and the sense of its answer."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from urllib3.connection import HTTPConnection

from synergos.domain.addresses import is_loopback
from synergos.driver.answers import Answer, readable
from synergos.driver.errors import DriverError, ServerTimeout, ServerUnreachable, UsageError, WrongServer
from synergos.driver.payloads import sendable
from synergos.driver.request import Request
from synergos.driver.tls import Tls
from synergos.tls.handshake_errors import reason_of

Response = Answer
"""A parsed answer: ``data``, ``status``, ``method``, ``params`` …, or ``message`` when something is wrong."""

CONNECT_TIMEOUT = 10.0
"""Seconds within which a connection must stand, whatever the time-out for answers is."""
HEALTH_TIMEOUT = 10.0
"""Seconds for the answer to who somebody is, who has just answered something else: a busy machine may take a few."""

_ORCHESTRATORS = frozenset({"ttp", "director"})


@dataclass(frozen=True)
class Reply:
    """The answer to a request.

    Attributes:
        body: nothing where what was read before is still so (304).
        headers: by names in any case.
        size: bytes of the body.
    """

    status: int
    body: Response
    headers: Mapping[str, str]
    size: int


class Transport:
    """Speaks JSON with one orchestrator over kept-alive connections.

    Args:
        address: ``http://host:port`` or ``https://host:port``.
        timeout: seconds to wait for an answer; None for as long as is usual for a request.
        raise_errors: raise :class:`DriverError` for error answers instead of returning them.
        tls: whom to believe by https, and what to show.
    """

    def __init__(
        self, address: str, timeout: float | None = None, raise_errors: bool = False, tls: Tls | None = None
    ) -> None:
        self.address = address.rstrip("/")
        self.raise_errors = raise_errors
        self._timeout = timeout
        # Several threads may find out at once; they find the same.
        self._is_orchestrator = False
        self._session = requests.Session()
        is_here = is_loopback(urlsplit(self.address).hostname or "")
        # A proxy named in the environment cannot reach this machine's own loopback address.
        self._session.trust_env = not is_here
        if is_here:
            # To pack and to unpack takes longer than the way.
            self._session.headers["Accept-Encoding"] = "identity"
        self._session.mount("http://", _KeepAliveAdapter())
        self._session.mount("https://", _KeepAliveAdapter(tls))

    def sign_in(self, login: AuthBase | None) -> None:
        """Have every request from now on show who it is of."""
        self._session.auth = login

    def close(self) -> None:
        """Let the connections go; the next request opens new ones."""
        self._session.close()

    def call(self, request: Request) -> Response:
        """The answer to one request.

        Raises:
            DriverError: nobody answers, it is no orchestrator, or (with ``raise_errors``) the answer is an error.
            UsageError: the payload has a value that JSON has not; nothing was sent.
        """
        return self.checked(request) if self.raise_errors else self.exchange(request)[1]

    def checked(self, request: Request) -> Response:
        """The same, with or without ``raise_errors``; an answer that is an error is always raised."""
        status, body = self.exchange(request)
        check(status, body)
        return body

    def exchange(self, request: Request) -> tuple[int, Response]:
        """Status and answer of one request, error answers included."""
        reply = self.reply(request)
        return reply.status, reply.body

    def reply(self, request: Request) -> Reply:
        """The answer to one request with its headers, error answers included; see :meth:`exchange`."""
        timeout = request.patience(self._timeout)
        body = None if request.payload is None else sendable(request.payload)
        with self._explained(request, timeout):
            answer = self._session.request(
                request.method,
                f"{self.address}{request.path}",
                params=request.query,
                json=body,
                headers=request.headers,
                timeout=_connecting_in_time(timeout),
            )
        told = answer.headers
        if answer.status_code == HTTPStatus.NOT_MODIFIED and self._is_orchestrator:
            return Reply(answer.status_code, Answer(), told, 0)
        return Reply(answer.status_code, self._parse(answer, request), told, len(answer.content))

    @contextmanager
    def _explained(self, request: Request, timeout: float | None) -> Iterator[None]:
        """What goes wrong on the way, in the driver's words."""
        try:
            yield
        except requests.ConnectTimeout as error:
            seconds = _connecting_in_time(timeout)[0]
            raise ServerUnreachable(f"{self.address}: no connection within {seconds:g} s") from error
        except requests.ReadTimeout as error:
            raise ServerTimeout(f"{self.address}: no answer to {request} within {timeout:g} s") from error
        except requests.RequestException as error:
            reason = reason_of(error) or _reason(error)
            hint = "" if self._is_orchestrator else _hint(self.address, reason)
            raise ServerUnreachable(f"{self.address}: no connection to a Synergos server ({reason}){hint}") from error

    def _parse(self, answer: requests.Response, request: Request) -> Response:
        try:
            body = answer.json()
        except requests.JSONDecodeError:
            body = None
        found = Answer(readable(body)) if isinstance(body, dict) else None
        if not self._is_orchestrator:
            self._expect_orchestrator(answer.status_code, found)
        if found is None:
            raise WrongServer(
                f"the answer to {request} is not a JSON object; is this a Synergos server?", answer.status_code
            )
        return found

    def _expect_orchestrator(self, status: int, body: Response | None) -> None:
        """Ask who it is that answers, unless that can be seen.

        Raises:
            WrongServer: somebody else than an orchestrator.
        """
        is_ours = body is not None and "apiVersion" in body
        if is_ours and status < HTTPStatus.BAD_REQUEST:
            self._is_orchestrator = True
            return
        told = self._health()
        self._check_health(told, status, is_ours)
        # Who did not say is asked again next time.
        self._is_orchestrator = body is not None and bool(told)

    def _check_health(self, told: Mapping[str, object], status: int, is_ours: bool) -> None:
        meant = "give host and port of the TTP or director (port 5000 unless it was told otherwise)"
        component = told.get("component")
        if component == "worker":
            port = f"the {told['interface']} port" if "interface" in told else "a port"
            who = f"{port} of worker {told.get('id')!r}, not an orchestrator"
            raise WrongServer(f"{self.address} is {who}; {meant}", status)
        if component not in _ORCHESTRATORS and not is_ours:
            why = "is this a Synergos server? What it answers is none of a TTP or director"
            raise WrongServer(f"{self.address}: {why}; {meant}", status)

    def _health(self) -> Mapping[str, object]:
        """What the program at the address says of itself; nothing when it does not."""
        try:
            told = self._session.get(
                f"{self.address}/health", timeout=(HEALTH_TIMEOUT, HEALTH_TIMEOUT), allow_redirects=False
            ).json()
        except requests.RequestException:
            return {}
        return told if isinstance(told, dict) else {}

    @contextmanager
    def stream(self, path: str, headers: Mapping[str, str]) -> Iterator[requests.Response]:
        """The answer to a request for a file, its content not yet read; error answers included.

        Raises:
            ServerTimeout: it connected, but then nothing came for too long.
            ServerUnreachable: nobody answers, or the connection breaks while the content is read.
        """
        request = Request("GET", path)
        timeout = request.patience(self._timeout)
        with (
            self._explained(request, timeout),
            self._session.get(
                f"{self.address}{path}", headers=headers, timeout=_connecting_in_time(timeout), stream=True
            ) as answer,
        ):
            yield answer


def check(status: int, body: Response) -> None:
    """Raise :class:`DriverError` when an answer is an error."""
    if status >= 400:
        field = body.get("field")
        raise DriverError(str(body.get("message") or "no reason given"), status, field if field else None, body)


def route(*parts: str) -> str:
    """A path below ``/ttp`` with every part percent-encoded.

    Raises:
        UsageError: a part is empty, or a dot segment that would lead to another route.
    """
    texts = [str(part) for part in parts]
    if any(text in {"", ".", ".."} for text in texts):
        raise UsageError(f"an id in /{'/'.join(['ttp', *texts])} is empty or leads elsewhere")
    return "/".join(["/ttp", *(quote(text, safe="") for text in texts)])


def narrowed(**ids: str | None) -> list[str]:
    """The ids that narrow a request down, outermost first, up to the first that is not given.

    Raises:
        UsageError: an id is given without the one it belongs under.
    """
    names = list(ids)
    given = [value for value in ids.values() if value is not None]
    if given != list(ids.values())[: len(given)]:
        missing = next(name for name in names if ids[name] is None)
        raise UsageError("needed, because an id below it is given", missing)
    return given


class _KeepAliveAdapter(HTTPAdapter):
    """Notices within minutes that a silent server's machine is gone: stage requests may be silent for hours."""

    def __init__(self, tls: Tls | None = None) -> None:
        self._tls = tls
        super().__init__()

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        """As ever; who was named to be believed is, and not whom the environment names."""
        if self._tls is not None and self._tls.authority is not None:
            kwargs["verify"] = str(self._tls.authority)
        return super().send(request, *args, **kwargs)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **{**kwargs, **self._options()})

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        """As for connections without one: what is spoken through a proxy is spoken with the same orchestrator."""
        # Those that are there are not made again, nor are files read for them.
        options = {} if proxy in self.proxy_manager else self._options()
        return super().proxy_manager_for(proxy, **kwargs, **options)

    def _options(self) -> dict[str, Any]:
        """Of every connection to an orchestrator, however it is reached."""
        options = [*HTTPConnection.default_socket_options, (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)]
        for name, value in (("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 15), ("TCP_KEEPCNT", 8)):
            if hasattr(socket, name):  # not on every platform
                options.append((socket.IPPROTO_TCP, getattr(socket, name), value))
        tls = {} if self._tls is None else {"ssl_context": self._tls.context()}
        return {"socket_options": options, **tls}


def _reason(error: requests.RequestException) -> str:
    """The innermost reason: requests and urllib3 wrap the system's plain words several times."""
    reason: BaseException = error
    while isinstance(deeper := getattr(reason, "reason", None) or reason.__context__, BaseException):
        reason = deeper
    return str(reason) or type(reason).__name__


def _connecting_in_time(timeout: float | None) -> tuple[float, float | None]:
    """Seconds for the connection, and for the answer."""
    return (CONNECT_TIMEOUT if timeout is None else min(timeout, CONNECT_TIMEOUT)), timeout


def _hint(address: str, reason: str) -> str:
    """What else may be meant, where a connection broke before anything was said."""
    if address.startswith("https:") and "does not speak TLS" in reason:
        return "; it does not speak https: leave is_secured away"
    if address.startswith("https:") and "nobody that is believed vouches" in reason:
        return "; say who does with tls_ca"
    if address.startswith("http:") and ("without response" in reason or "reset by peer" in reason):
        return "; if it speaks https, say is_secured=True"
    return ""
