"""One HTTP request to an orchestrator, and the sense of its answer."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote, urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection

from synergos.driver.errors import DriverError, ServerTimeout, ServerUnreachable, UsageError

Response = dict[str, Any]
"""A parsed answer: ``data``, ``status``, ``method``, ``params`` …, or ``message`` when something is wrong."""

CONNECT_TIMEOUT = 10.0
"""Seconds within which a connection must stand, whatever the time-out for answers is."""


class Transport:
    """Speaks JSON with one orchestrator over kept-alive connections.

    Args:
        address: ``http://host:port`` or ``https://host:port``.
        timeout: seconds to wait for an answer; None waits as long as it takes.
        raise_errors: raise :class:`DriverError` for error answers instead of returning them.
    """

    def __init__(self, address: str, timeout: float | None = None, raise_errors: bool = False) -> None:
        self.address = address.rstrip("/")
        self.raise_errors = raise_errors
        self._timeout = (CONNECT_TIMEOUT if timeout is None else min(timeout, CONNECT_TIMEOUT), timeout)
        self._session = requests.Session()
        # A proxy named in the environment cannot reach this machine's own loopback address.
        self._session.trust_env = not _is_loopback(self.address)
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, _KeepAliveAdapter())

    def close(self) -> None:
        """Let the connections go; the next request opens new ones."""
        self._session.close()

    def call(
        self,
        method: str,
        path: str,
        payload: object = None,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """The answer to one request.

        Raises:
            DriverError: nobody answers, the answer is not JSON, or (with ``raise_errors``) it is an error.
        """
        status, body = self.exchange(method, path, payload, query, headers)
        if self.raise_errors:
            check(status, body)
        return body

    def exchange(
        self,
        method: str,
        path: str,
        payload: object = None,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[int, Response]:
        """Status and answer of one request, error answers included."""
        try:
            answer = self._session.request(
                method, f"{self.address}{path}", params=query, json=payload, headers=headers, timeout=self._timeout
            )
        except requests.ReadTimeout as error:
            raise ServerTimeout(
                f"{self.address}: no answer to {method} {path} within {self._timeout[1]:g} s"
            ) from error
        except requests.ConnectTimeout as error:
            raise ServerUnreachable(f"{self.address}: no connection within {self._timeout[0]:g} s") from error
        except requests.RequestException as error:
            raise ServerUnreachable(f"{self.address}: no connection to a Synergos server ({_reason(error)})") from error
        return answer.status_code, _parse(answer, f"{method} {path}")

    @contextmanager
    def stream(self, path: str, headers: Mapping[str, str]) -> Iterator[requests.Response]:
        """The answer to a request for a file, its content not yet read; error answers included.

        Raises:
            ServerTimeout: it connected, but then nothing came for too long.
            ServerUnreachable: nobody answers, or the connection breaks while the content is read.
        """
        address = f"{self.address}{path}"
        try:
            with self._session.get(address, headers=headers, timeout=self._timeout, stream=True) as answer:
                yield answer
        except requests.ReadTimeout as error:
            raise ServerTimeout(f"{self.address}: no answer to GET {path} within {self._timeout[1]:g} s") from error
        except requests.RequestException as error:
            raise ServerUnreachable(f"{self.address}: no connection to a Synergos server ({_reason(error)})") from error


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

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        options = [*HTTPConnection.default_socket_options, (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)]
        for name, value in (("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 15), ("TCP_KEEPCNT", 8)):
            if hasattr(socket, name):  # not on every platform
                options.append((socket.IPPROTO_TCP, getattr(socket, name), value))
        super().init_poolmanager(*args, socket_options=options, **kwargs)


def _is_loopback(address: str) -> bool:
    host = urlsplit(address).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _reason(error: requests.RequestException) -> str:
    """The innermost reason: requests and urllib3 wrap the system's plain words several times."""
    reason: BaseException = error
    while isinstance(deeper := getattr(reason, "reason", None) or reason.__context__, BaseException):
        reason = deeper
    return str(reason) or type(reason).__name__


def _parse(answer: requests.Response, request: str) -> Response:
    try:
        body = answer.json()
    except requests.JSONDecodeError:
        body = None
    if not isinstance(body, dict):
        raise DriverError(
            f"the answer to {request} is not a JSON object; is this a Synergos server?", answer.status_code
        )
    return body
