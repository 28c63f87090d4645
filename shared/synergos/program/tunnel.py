"""A connection that is dialled through somebody's HTTP proxy, which is asked with CONNECT (RFC 9110, section 9.3.6) to pass on what goes by it."""

from __future__ import annotations

import re
import socket
import time
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import unquote, urlsplit

from synergos.errors import InvalidRequest

_LARGEST_ANSWER = 2**14
_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})(?: |$)")
_VARIABLES = ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")


class ProxyRefuses(OSError):
    """The proxy answers and does not connect."""


@dataclass(frozen=True)
class Proxy:
    """Where it is, and how it lets this program in.

    Attributes:
        credentials: user and password; None where it asks nobody.
    """

    host: str
    port: int
    credentials: str | None = field(default=None, repr=False)

    @classmethod
    def read(cls, text: str) -> Self:
        """A proxy as ``http://user:password@host:port``.

        Raises:
            InvalidRequest: it is none; nothing of it is repeated, as there may be a password in it.
        """
        try:
            parts = urlsplit(text if "://" in text else f"http://{text}")
            host, port = parts.hostname, parts.port
        except ValueError:
            host, port, parts = None, None, urlsplit("")
        if parts.scheme != "http" or not host or parts.path not in ("", "/") or parts.query:
            raise InvalidRequest("expected a proxy as http://host:port, or http://user:password@host:port")
        if parts.username is None:
            return cls(host, port or 80)
        return cls(host, port or 80, f"{unquote(parts.username)}:{unquote(parts.password or '')}")

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


def proxy_of(environment: Mapping[str, str], host: str, port: int) -> Proxy | None:
    """The proxy by which the environment has an address be asked (``HTTPS_PROXY``, ``NO_PROXY``); None where it names none.

    Raises:
        InvalidRequest: what it names is no proxy; names the variable.
    """
    named = next((name for name in _VARIABLES if environment.get(name)), None)
    if named is None:
        return None
    exceptions = environment.get("no_proxy") or environment.get("NO_PROXY") or ""
    if any(_is_meant(each.strip(), host, port) for each in exceptions.split(",")):
        return None
    try:
        return Proxy.read(environment[named])
    except InvalidRequest as error:
        raise InvalidRequest(f"{named}: {error}") from None


def _is_meant(exception: str, host: str, port: int) -> bool:
    """Whether an entry of ``NO_PROXY`` is for an address: a name, one that ends so, or all; with or without a port."""
    name = exception.lower().removesuffix(f":{port}").removeprefix("*").removeprefix(".")
    if exception == "*":
        return True
    return bool(name) and (host.lower() == name or host.lower().endswith(f".{name}"))


def dial(host: str, port: int, seconds: float, proxy: Proxy | None = None) -> socket.socket:
    """A connection to an address, through a proxy if there is one, which looks the name up then.

    Raises:
        OSError: there is none within so many seconds.
    """
    until = time.monotonic() + seconds
    where = (host, port) if proxy is None else (proxy.host, proxy.port)
    connection = socket.create_connection(where, seconds)
    try:
        # Messages of a round are small and answered at once: none is to wait for another.
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if proxy is not None:
            _open(connection, host, port, proxy, until)
    except BaseException:
        connection.close()
        raise
    connection.settimeout(seconds)
    return connection


def _open(connection: socket.socket, host: str, port: int, proxy: Proxy, until: float) -> None:
    target = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    lines = [f"CONNECT {target} HTTP/1.1", f"Host: {target}"]
    if proxy.credentials is not None:
        lines.append(f"Proxy-Authorization: Basic {b64encode(proxy.credentials.encode()).decode()}")
    connection.sendall("\r\n".join([*lines, "", ""]).encode())
    status = _status(_head(connection, until))
    if not 200 <= status < 300:
        why = " (it wants a user and a password)" if status == 407 else ""
        raise ProxyRefuses(f"the proxy {proxy} answers CONNECT with status {status}{why}")


def _head(connection: socket.socket, until: float) -> bytes:
    """The answer's head; byte by byte, as what comes behind it is not the proxy's."""
    head = bytearray()
    while not head.endswith(b"\r\n\r\n"):
        left = until - time.monotonic()
        if left <= 0:
            raise TimeoutError("the proxy does not answer in time")
        connection.settimeout(left)
        piece = connection.recv(1)
        if not piece or len(head) > _LARGEST_ANSWER:
            raise ProxyRefuses("the proxy does not answer CONNECT as a proxy does")
        head += piece
    return bytes(head)


def _status(head: bytes) -> int:
    found = _STATUS.match(head.split(b"\r\n", 1)[0])
    if found is None:
        raise ProxyRefuses("the proxy does not answer CONNECT as a proxy does")
    return int(found[1])
